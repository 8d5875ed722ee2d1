//! How a simulated service departs from the standard.

/// How a simulated service departs from the standard; the default does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimOptions {
    /// The most users on a page, whatever is asked for.
    pub page_cap: u64,
    /// Lists are paged by cursor.
    pub cursors: bool,
    /// The next cursor that comes back is called expired.
    pub expire_cursor: bool,
    /// Every so many-th row of a page is left out although it is counted.
    pub skip_rows: Option<u64>,
    /// The last row of a page comes again on the next one, although it is counted once.
    pub repeat_rows: bool,
    /// `totalResults` counts the page alone.
    pub total_of_page: bool,
    /// `startIndex` is not looked at.
    pub ignore_start: bool,
    /// Filters are not looked at.
    pub ignore_filters: bool,
    /// Filters find nobody.
    pub silent_zero: bool,
    /// Deactivated users are not listed and not found.
    pub hide_inactive: bool,
    /// What is answered when a user name is taken.
    pub conflict: Conflict,
    /// PATCH is not known; PUT is.
    pub no_patch: bool,
    /// PATCH is answered without a body.
    pub patch_without_body: bool,
    pub reject_capitals: bool,
    /// Operations without a path are refused.
    pub reject_pathless: bool,
    /// Paths with filters are refused.
    pub reject_filtered_paths: bool,
    pub put: Put,
    /// Versions are given and insisted on.
    pub versions: bool,
    /// `active` is a text.
    pub text_booleans: bool,
    /// `active` is left out when it is false, as services do that skip what is empty.
    pub leaves_false_out: bool,
    /// Answers hold keys that nobody knows.
    pub extra_keys: bool,
    /// Phone numbers are stored without blanks.
    pub normalise_phones: bool,
    /// Users are answered without their ids.
    pub without_ids: bool,
    /// A new user is answered without a body, its id in `Location` only.
    pub create_without_body: bool,
    /// A new user is answered with somebody else.
    pub create_echoes_other: bool,
    /// Batches are taken; `None` where there is no `/Bulk`.
    pub bulk: Option<BulkOptions>,
    /// There are no discovery documents.
    pub no_discovery: bool,
    pub html_errors: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkOptions {
    /// The most operations.
    pub max_operations: usize,
    /// The most bytes.
    pub max_payload_size: usize,
    /// Not mentioned in the discovery documents.
    pub unmentioned: bool,
    /// The most operations that are really taken, when it is another number.
    pub really: Option<usize>,
    /// Every batch is refused with this status, and nothing of it is done.
    pub refused: Option<u16>,
    pub number_statuses: bool,
    /// Answers come in the opposite order, and only what is made has its `bulkId`.
    pub mixed_up: bool,
    /// Every so many-th operation is carried out and not answered.
    pub forgets: Option<usize>,
    /// Every so many-th operation is refused for being one too many at the moment.
    pub throttles: Option<usize>,
}

impl Default for BulkOptions {
    fn default() -> Self {
        Self {
            max_operations: 100,
            max_payload_size: 1_048_576,
            unmentioned: false,
            really: None,
            refused: None,
            number_statuses: false,
            mixed_up: false,
            forgets: None,
            throttles: None,
        }
    }
}

/// What is answered when a user name is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conflict {
    /// 409 with `scimType`.
    #[default]
    Standard,
    /// 409 without it.
    WithoutType,
    /// 409 as plain text.
    Text,
    /// 400 with `scimType`.
    BadRequest,
    /// The user that is there is changed, and 200 is answered.
    Upsert,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Put {
    /// Replaces: what is left out is gone.
    #[default]
    Clears,
    /// Changes what is there and leaves the rest.
    Partial,
    /// 404 with a web page.
    NotFound,
}

impl Default for ScimOptions {
    fn default() -> Self {
        Self {
            page_cap: 100,
            cursors: false,
            expire_cursor: false,
            skip_rows: None,
            repeat_rows: false,
            total_of_page: false,
            ignore_start: false,
            ignore_filters: false,
            silent_zero: false,
            hide_inactive: false,
            conflict: Conflict::default(),
            no_patch: false,
            patch_without_body: false,
            reject_capitals: false,
            reject_pathless: false,
            reject_filtered_paths: false,
            put: Put::default(),
            versions: false,
            text_booleans: false,
            leaves_false_out: false,
            extra_keys: false,
            normalise_phones: false,
            without_ids: false,
            create_without_body: false,
            create_echoes_other: false,
            bulk: Some(BulkOptions::default()),
            no_discovery: false,
            html_errors: false,
        }
    }
}
