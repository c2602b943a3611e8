//! The configuration as TOML, with the origin of every value.

use std::fmt::{self, Write};

use toml::{Table, Value};

use super::layers::{Layers, shown};

impl fmt::Display for Layers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print_table(formatter, &self.values, "")
    }
}

impl Layers {
    /// Values first, then tables, as TOML asks for.
    fn print_table(&self, formatter: &mut fmt::Formatter<'_>, table: &Table, parent: &str) -> fmt::Result {
        for (key, value) in table.iter().filter(|(_, value)| !matches!(value, Value::Table(_))) {
            let path = join(parent, key);
            let mut line = String::new();
            write!(line, "{} = {}", quoted(key), shown(&path, value))?;
            writeln!(formatter, "{line:<60} # {}", self.origin(&path))?;
        }
        for (key, value) in table {
            if let Value::Table(inner) = value {
                let path = join(parent, key);
                writeln!(formatter, "\n[{path}]")?;
                self.print_table(formatter, inner, &path)?;
            }
        }
        Ok(())
    }
}

fn join(parent: &str, key: &str) -> String {
    let key = quoted(key);
    if parent.is_empty() { key } else { format!("{parent}.{key}") }
}

/// A key as TOML writes it.
fn quoted(key: &str) -> String {
    let is_bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_bare { key.to_owned() } else { Value::String(key.to_owned()).to_string() }
}

#[cfg(test)]
mod tests {
    use super::super::{Flags, Layers};

    #[test]
    fn printed_configuration_is_toml_that_names_origins_and_hides_secrets() {
        let variables = [
            ("HEADWATER_CREDENTIALS".to_owned(), "[{ access-key-id = 'a', secret-access-key = 'hush' }]".to_owned()),
            ("HEADWATER_SERVER__CONNECTIONS".to_owned(), "9".to_owned()),
        ];
        let text = Layers::load(None, variables, &Flags::default()).unwrap().to_string();
        assert!(!text.contains("hush"), "{text}");
        let line = text.lines().find(|line| line.starts_with("connections = 9")).unwrap();
        assert!(line.ends_with("# environment HEADWATER_SERVER__CONNECTIONS"), "{line}");
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table["server"]["connections"].as_integer(), Some(9));
    }
}
