//! [`Glue`], the state behind the operations.

use std::sync::Arc;

use ingest_core::{Context, Door, Fault, Operations};

use crate::catalog::{Catalog, Place};
use crate::operations;

/// The Glue door.
pub struct Glue {
    pub(crate) catalog: Arc<Catalog>,
}

impl Glue {
    /// A door to this catalog.
    pub fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog }
    }
}

/// The catalog that a request is about: that of `catalog_id` in the request's region, or the caller's own.
///
/// # Errors
/// `AccessDeniedException` if it is another account's: catalogs have no policies here.
pub(crate) fn place(context: &Context, catalog_id: Option<&str>) -> Result<Place, Fault> {
    let account = catalog_id.unwrap_or(&context.account);
    // Without a policy, nothing hangs on the time.
    context.check_access(None, account, &context.arn_of(account, "glue", "catalog"), 0)?;
    Ok(Place { account: account.to_owned(), region: context.region.to_string() })
}

impl Door for Glue {
    const SERVICE: &'static str = "glue";
    const TARGET_PREFIX: &'static str = "AWSGlue";

    fn operations() -> Operations<Self> {
        operations::table()
    }
}
