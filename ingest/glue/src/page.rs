//! Pages of lists, and the tokens that ask for the next one.
//!
//! A token is the last name of a page, in base64. It is no secret and no promise: it names a place in the order of names,
//! and whoever makes one up gets the names behind that place.

use ingest_core::{Fault, Validator, fault::glue};

use crate::limits::PAGE_SIZE_MAX;

/// What to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageRequest {
    /// The last name that was listed.
    pub(crate) after: Option<String>,
    /// How many at most.
    pub(crate) limit: usize,
}

/// A part of a list.
#[derive(Debug)]
pub(crate) struct Page<T> {
    /// The part.
    pub(crate) items: Vec<T>,
    /// The last name that was looked at, if there are more.
    pub(crate) last: Option<String>,
}

impl<T> Page<T> {
    /// The token of what comes next.
    pub(crate) fn next_token(&self) -> Option<String> {
        self.last.as_deref().map(|last| base64_simd::URL_SAFE_NO_PAD.encode_to_string(last))
    }
}

/// The constraints on the number of a page's members.
pub(crate) fn validate(validator: &mut Validator, max_results: Option<i64>) {
    validator.member("maxResults", max_results).range(1, PAGE_SIZE_MAX);
}

/// The page that a valid request asks for.
///
/// # Errors
/// `InvalidInputException` for a token that no list gave.
pub(crate) fn request(max_results: Option<i64>, next_token: Option<&str>) -> Result<PageRequest, Fault> {
    let after = match next_token {
        None | Some("") => None,
        Some(token) => {
            let bytes = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(token).ok();
            let name = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            Some(name.ok_or_else(|| glue::invalid("NextToken is not one that this operation gave."))?)
        }
    };
    Ok(PageRequest { after, limit: usize::try_from(max_results.unwrap_or(PAGE_SIZE_MAX)).unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_to_where_it_came_from() {
        let page = Page::<()> { items: Vec::new(), last: Some("größe".to_owned()) };
        let token = page.next_token().unwrap();
        assert_eq!(request(Some(7), Some(&token)).unwrap(), PageRequest { after: Some("größe".to_owned()), limit: 7 });
        assert_eq!(request(None, None).unwrap(), PageRequest { after: None, limit: 100 });
        for token in ["!", "gA", "a b"] {
            assert_eq!(request(None, Some(token)).unwrap_err().code().name(), "InvalidInputException", "{token}");
        }
    }
}
