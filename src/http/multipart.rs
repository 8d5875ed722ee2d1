use std::fmt;
use std::io::Cursor;
use std::sync::Arc;

use reqwest::blocking::multipart;

/// One part of a `multipart/form-data` body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Name of the form's field.
    pub name: &'static str,
    pub content: PartContent,
}

impl Part {
    /// A field with a text.
    pub fn text(name: &'static str, text: impl ToString) -> Self {
        Self { name, content: PartContent::Text(text.to_string()) }
    }

    /// A field with a file.
    pub fn file(name: &'static str, file: File) -> Self {
        Self { name, content: PartContent::File(file) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartContent {
    Text(String),
    File(File),
}

/// A file as it is sent: read once, shared by every try.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// Its name, without folders.
    pub name: String,
    pub bytes: Arc<[u8]>,
}

/// Without the content, which is somebody's.
impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("name", &self.name).field("bytes", &self.bytes.len()).finish()
    }
}

/// By the ending of the name. A part that does not say what it is is plain text (RFC 7578).
fn content_type(name: &str) -> &'static str {
    mime_guess::from_path(name).first_raw().unwrap_or("application/octet-stream")
}

/// The body of one try. The boundary, and with it the content type, is drawn anew each time.
pub(super) fn form(parts: &[Part]) -> multipart::Form {
    parts.iter().fold(multipart::Form::new(), |form, part| match &part.content {
        PartContent::Text(text) => form.text(part.name, text.clone()),
        PartContent::File(file) => {
            let length = file.bytes.len() as u64;
            let content = multipart::Part::reader_with_length(Cursor::new(Arc::clone(&file.bytes)), length)
                .file_name(file.name.clone())
                .mime_str(content_type(&file.name))
                .expect("a media type that the list of media types has");
            form.part(part.name, content)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_it_is() {
        for (name, kind) in [
            ("1001.pdf", "application/pdf"),
            ("Gehalt Jörg.PDF", "application/pdf"),
            ("scan.png", "image/png"),
            ("letter.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            ("1001.payslip", "application/octet-stream"),
            ("1001", "application/octet-stream"),
        ] {
            assert_eq!(content_type(name), kind, "{name}");
        }
    }

    #[test]
    fn a_file_is_compared_by_content_and_never_shown() {
        let file = |bytes: &[u8]| File { name: "9001.pdf".into(), bytes: bytes.into() };
        assert_eq!(Part::file("file", file(b"pay")), Part::file("file", file(b"pay")));
        assert_ne!(Part::file("file", file(b"pay")), Part::file("file", file(b"bay")));
        assert_eq!(format!("{:?}", file(b"secret")), r#"File { name: "9001.pdf", bytes: 6 }"#);
    }
}
