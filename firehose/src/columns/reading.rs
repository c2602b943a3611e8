//! One reading of a record: the rules that it follows, its bounds, and what stopped it.

use std::cell::{Cell, RefCell};

use serde::de::Error;

use super::{Column, Naming, TimestampFormat};
use crate::limits::{NESTING_MAX, RECORD_EXPANDED_BYTES_MAX};

/// What becomes of a member that has no column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// It is left out: the schema was given.
    Ignore,
    /// The row fails with [`Failure::Unknown`]: the schema can learn. Nulls, `[]` and `{}` teach nothing and are left out.
    Learn,
}

/// How records are read.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) unknown: Unknown,
    /// Scalars are converted to the type of their column where that loses nothing, as OpenX does.
    pub(crate) is_lenient: bool,
    pub(crate) naming: Naming,
    /// How the texts of dates and timestamps are read, before the spellings that are always read.
    pub(crate) timestamp_formats: Vec<TimestampFormat>,
}

/// Why a row does not fit the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It has a member that the schema can learn.
    Unknown,
    /// It is nested deeper than [`NESTING_MAX`] levels.
    TooDeep,
    /// A value does not fit its column.
    Mismatch {
        /// The path of the column, innermost last.
        path: String,
        reason: String,
    },
}

/// One reading of a record: its rules, and what stopped it.
pub(crate) struct Reading<'a> {
    pub(super) rules: &'a Rules,
    failure: RefCell<Option<Failure>>,
    expanded_bytes: Cell<usize>,
    depth: Cell<usize>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(rules: &'a Rules) -> Self {
        Self { rules, failure: RefCell::new(None), expanded_bytes: Cell::new(0), depth: Cell::new(0) }
    }

    /// What stopped the reading, unless it was the JSON itself.
    pub(crate) fn take_failure(&self) -> Option<Failure> {
        self.failure.borrow_mut().take()
    }

    /// Bytes that the elements of the arrays read so far fill in the columns.
    pub(crate) fn expanded_bytes(&self) -> usize {
        self.expanded_bytes.get()
    }

    pub(super) fn fail<E: Error>(&self, failure: Failure) -> E {
        *self.failure.borrow_mut() = Some(failure);
        E::custom("the row does not fit")
    }

    #[cold]
    pub(super) fn mismatch<E: Error>(&self, column: &Column, found: &str) -> E {
        let reason = format!("expected {}, found {found}", column.kind_name());
        self.fail(Failure::Mismatch { path: String::new(), reason })
    }

    /// Puts `name` before the path of a mismatch on its way up.
    #[cold]
    pub(super) fn locate(&self, name: &str) {
        if let Some(Failure::Mismatch { path, .. }) = &mut *self.failure.borrow_mut() {
            *path = if path.is_empty() { name.to_owned() } else { format!("{name}.{path}") };
        }
    }

    /// Enters an object or array; the reading of a record ends at the first error, so only success leaves it again.
    pub(super) fn enter<E: Error>(&self) -> Result<(), E> {
        let depth = self.depth.get() + 1;
        self.depth.set(depth);
        if depth > NESTING_MAX { Err(self.fail(Failure::TooDeep)) } else { Ok(()) }
    }

    pub(super) fn leave(&self) {
        self.depth.set(self.depth.get() - 1);
    }

    pub(super) fn charge<E: Error>(&self, byte_count: usize) -> Result<(), E> {
        let expanded_bytes = self.expanded_bytes.get().saturating_add(byte_count);
        self.expanded_bytes.set(expanded_bytes);
        if expanded_bytes > RECORD_EXPANDED_BYTES_MAX {
            let reason =
                format!("the arrays of the record take more than {RECORD_EXPANDED_BYTES_MAX} bytes in columns");
            return Err(self.fail(Failure::Mismatch { path: String::new(), reason }));
        }
        Ok(())
    }
}
