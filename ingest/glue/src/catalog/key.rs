//! Keys of the store's catalog: paths whose parts may hold anything.

/// The key of something of a kind. A slash in a part would make two paths of one name, so it is written otherwise.
pub(super) fn key<'a>(kind: &str, parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut key = format!("glue/{kind}");
    for part in parts {
        key.push('/');
        key.push_str(&part.replace('%', "%25").replace('/', "%2F"));
    }
    key
}

/// The parts of a key of this kind.
pub(super) fn parts(kind: &str, key: &str) -> Option<Vec<String>> {
    let path = key.strip_prefix("glue/")?.strip_prefix(kind)?.strip_prefix('/')?;
    Some(path.split('/').map(|part| part.replace("%2F", "/").replace("%25", "%")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_whatever_is_in_them() {
        let names = ["123456789012", "us-east-1", "a/b%2F%25%", "größe"];
        let written = key("table", names);
        assert_eq!(written, "glue/table/123456789012/us-east-1/a%2Fb%252F%2525%25/größe");
        assert_eq!(parts("table", &written).unwrap(), names);
        assert_eq!(parts("table-version", &written), None);
    }
}
