//! Which file of a folder belongs to which employee. Pure: names and employees in, a table out.

mod index;
mod matching;
mod pattern;

pub use index::{Index, IndexError};
pub use matching::{Directory, FolderFile, Match, Rules, assign};
pub use pattern::{Key, NameParts, Pattern, PatternError, TitleTemplate};
