//! Limits: those of AWS with their pages, and those that bound our own memory and disk.

/// Characters of a name. Source: Glue Web API Reference, "Database" and "TableInput".
pub(crate) const NAME_CHARS_MAX: usize = 255;

/// Characters of a description. Source: as above.
pub(crate) const DESCRIPTION_CHARS_MAX: usize = 2048;

/// Characters of a database's location. Source: Glue Web API Reference, "DatabaseInput".
pub(crate) const URI_CHARS_MAX: usize = 1024;

/// Characters of a parameter's value. Source: Glue Web API Reference, "TableInput".
pub(crate) const PARAMETER_CHARS_MAX: usize = 512_000;

/// Characters of a column's type. Source: Glue Web API Reference, "Column".
pub(crate) const COLUMN_TYPE_CHARS_MAX: usize = 131_072;

/// Characters of a column's comment. Source: as above.
pub(crate) const COMMENT_CHARS_MAX: usize = 255;

/// Characters of a table's location. Source: Glue Web API Reference, "StorageDescriptor".
pub(crate) const LOCATION_CHARS_MAX: usize = 2056;

/// Characters of an input or output format. Source: as above.
pub(crate) const FORMAT_CHARS_MAX: usize = 128;

/// Characters of the text of a view. Source: Glue Web API Reference, "TableInput".
pub(crate) const VIEW_CHARS_MAX: usize = 409_600;

/// Characters of a table's type. Source: as above.
pub(crate) const TABLE_TYPE_CHARS_MAX: usize = 255;

/// Characters of an expression. Source: Glue Web API Reference, "GetTables".
pub(crate) const EXPRESSION_CHARS_MAX: usize = 2048;

/// Most that a list may be asked for, and what it shows unless asked. Source: Glue Web API Reference, "GetTables".
pub(crate) const PAGE_SIZE_MAX: i64 = 100;

/// Members of a batch. Source: Glue Web API Reference, "BatchDeleteTable" and "BatchDeleteTableVersion".
pub(crate) const BATCH_MAX: usize = 100;

/// The largest of the model's integers.
pub(crate) const INTEGER_MAX: i64 = i32::MAX as i64;

/// Bytes of a request. Ours: what is decoded takes several times as much.
pub(crate) const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Members of any list. Ours: an empty column takes three bytes of a body, and a hundred of memory.
pub(crate) const LIST_MAX: usize = 10_000;

/// Bytes of a stored database or of a version of a table, as JSON. Ours.
pub(crate) const ENTITY_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of what a page of a list shows, beyond its first entity. Ours: AWS's pages may be shorter than asked, too.
pub(crate) const PAGE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Bytes of a compiled expression. Ours.
pub(crate) const EXPRESSION_BYTES_MAX: usize = 256 * 1024;

/// How much there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quotas {
    /// Databases of an account in a region. Source: AWS General Reference, "AWS Glue endpoints and quotas".
    pub(crate) databases: usize,
    /// Tables of a database. Source: as above.
    pub(crate) tables: usize,
    /// Versions of a table. Ours: AWS has 100,000; their numbers are stored with the table.
    pub(crate) versions: usize,
    /// Bytes of everything, of all accounts. Ours.
    pub(crate) bytes: u64,
    /// Names that one page compares with an expression. Ours: what is left is for the next page.
    pub(crate) page_names: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { databases: 10_000, tables: 200_000, versions: 10_000, bytes: 256 * 1024 * 1024, page_names: 10_000 }
    }
}

const _: () = assert!(ENTITY_BYTES_MAX < BODY_BYTES_MAX);
const _: () = assert!(COLUMN_TYPE_CHARS_MAX < PARAMETER_CHARS_MAX && PARAMETER_CHARS_MAX < ENTITY_BYTES_MAX);
