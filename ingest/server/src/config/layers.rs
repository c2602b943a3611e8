//! Merging the sources of the configuration, and remembering which one each value comes from.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::problem::{ConfigError, Origin, Problem};
use super::{Config, RawConfig, validate};

/// What the names of environment variables begin with.
const VARIABLE_PREFIX: &str = "HEADWATER_";

/// The flags that override keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--data-dir`
    pub data_dir: Option<PathBuf>,
    /// `--listen`
    pub listen: Option<SocketAddr>,
    /// `--allow-remote-without-credentials`
    pub allow_remote_without_credentials: bool,
}

/// The merged sources: values by key, and where each comes from.
#[derive(Clone, Debug)]
pub struct Layers {
    pub(super) values: Table,
    /// By dotted key.
    origins: BTreeMap<String, Origin>,
}

impl Layers {
    /// The built-in defaults alone.
    pub fn defaults() -> Self {
        // The defaults are text, numbers and tables with string keys, which TOML can always hold (and a test shows it).
        let values = Table::try_from(RawConfig::default()).unwrap_or_default();
        Self { values, origins: BTreeMap::new() }
    }

    /// Merges all sources.
    ///
    /// # Errors
    /// If the file cannot be read or is no TOML. What its values are worth is decided by [`Layers::validate`].
    pub fn load(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
        flags: &Flags,
    ) -> Result<Self, ConfigError> {
        let mut layers = Self::defaults();
        if let Some(path) = file {
            let origin = Origin::File(path.to_owned());
            layers.overlay(read_file(path)?, &origin);
        }
        layers.overlay_variables(variables);
        layers.overlay_flags(flags);
        Ok(layers)
    }

    fn overlay_variables(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        for (name, text) in variables {
            let Some(key) = name.strip_prefix(VARIABLE_PREFIX) else { continue };
            let keys: Vec<String> = key.split("__").map(|part| part.to_ascii_lowercase().replace('_', "-")).collect();
            let is_text = matches!(lookup(&self.values, &keys), Some(Value::String(_)));
            // Lists, numbers and booleans are written as in the file; whatever else there is, is text.
            let value = if is_text { None } else { text.parse::<Value>().ok() };
            let value = value.unwrap_or(Value::String(text));
            let table =
                keys.iter().rev().fold(value, |value, key| Value::Table(Table::from_iter([(key.clone(), value)])));
            if let Value::Table(table) = table {
                self.overlay(table, &Origin::Environment(name));
            }
        }
    }

    fn overlay_flags(&mut self, flags: &Flags) {
        let mut set = |section: Option<&str>, key: &str, value: Value, flag| {
            let entry = Table::from_iter([(key.to_owned(), value)]);
            let table = match section {
                Some(section) => Table::from_iter([(section.to_owned(), Value::Table(entry))]),
                None => entry,
            };
            self.overlay(table, &Origin::Flag(flag));
        };
        if let Some(dir) = &flags.data_dir {
            set(None, "data-dir", Value::String(dir.to_string_lossy().into_owned()), "--data-dir");
        }
        if let Some(listen) = flags.listen {
            set(Some("server"), "listen", Value::String(listen.to_string()), "--listen");
        }
        if flags.allow_remote_without_credentials {
            let flag = "--allow-remote-without-credentials";
            set(Some("server"), "allow-remote-without-credentials", Value::Boolean(true), flag);
        }
    }

    /// Lays `table` over what is there: tables are merged, every other value replaces the old one.
    fn overlay(&mut self, table: Table, origin: &Origin) {
        merge(&mut self.values, table, "", &mut |key| {
            self.origins.insert(key.to_owned(), origin.clone());
        });
    }

    /// Where the value of a dotted key comes from; of a section, where one of its values does that is not built in.
    pub fn origin(&self, key: &str) -> Origin {
        // The element of a list comes from where the list does.
        let with_parents = std::iter::successors(Some(key), |key| key.rsplit_once('.').map(|(parent, _)| parent));
        let inside = format!("{key}.");
        let children = self.origins.range(inside.clone()..).take_while(|(child, _)| child.starts_with(&inside));
        let mut found = with_parents.filter_map(|key| self.origins.get(key)).chain(children.map(|(_, origin)| origin));
        found.next().cloned().unwrap_or(Origin::Default)
    }

    /// Types and checks the merged values.
    ///
    /// # Errors
    /// Everything that is wrong, in one list.
    pub fn validate(&self) -> Result<Config, ConfigError> {
        let (raw, mut problems) = self.type_values();
        problems.extend(validate::check(&raw, &|key| self.origin(key)));
        if problems.is_empty() { Ok(Config(raw)) } else { Err(ConfigError::Problems(problems)) }
    }

    /// Gives every value its type. One that does not fit is reported and replaced by its default, so that the next one
    /// is reported too.
    fn type_values(&self) -> (RawConfig, Vec<Problem>) {
        let mut values = self.values.clone();
        let mut problems = Vec::new();
        loop {
            let error = match serde_path_to_error::deserialize::<_, RawConfig>(Value::Table(values.clone())) {
                Ok(raw) => return (raw, problems),
                Err(error) => error,
            };
            let keys: Vec<String> = error.path().to_string().split('.').map(str::to_owned).collect();
            let reason = error.into_inner().message().to_owned();
            let keys = with_unknown_key(keys, &reason);
            let Some(removed) = remove(&mut values, &keys) else {
                // Nothing is left to remove: report what remains as a whole rather than try again for ever.
                problems.push(Problem { key: keys.join("."), value: "?".into(), origin: Origin::Default, reason });
                return (RawConfig::default(), problems);
            };
            let key = keys.join(".");
            let origin = self.origin(&key);
            problems.push(Problem { value: shown(&key, &removed), origin, key, reason });
        }
    }
}

fn read_file(path: &Path) -> Result<Table, ConfigError> {
    let text = fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), reason: source.to_string() })?;
    text.parse()
        .map_err(|source: toml::de::Error| ConfigError::Syntax { path: path.to_owned(), reason: source.to_string() })
}

fn merge(below: &mut Table, above: Table, parent: &str, note: &mut impl FnMut(&str)) {
    for (key, value) in above {
        let path = if parent.is_empty() { key.clone() } else { format!("{parent}.{key}") };
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above, &path, note),
            (_, Value::Table(above)) => {
                let mut fresh = Table::new();
                merge(&mut fresh, above, &path, note);
                note(&path);
                below.insert(key, Value::Table(fresh));
            }
            (_, value) => {
                note(&path);
                below.insert(key, value);
            }
        }
    }
}

fn lookup<'a>(table: &'a Table, keys: &[String]) -> Option<&'a Value> {
    let (first, rest) = keys.split_first()?;
    let value = table.get(first)?;
    match (rest.is_empty(), value) {
        (true, value) => Some(value),
        (false, Value::Table(table)) => lookup(table, rest),
        (false, _) => None,
    }
}

/// Removes the value at a path, or the list that it is an element of.
fn remove(table: &mut Table, keys: &[String]) -> Option<Value> {
    let (first, rest) = keys.split_first()?;
    let name = first.split('[').next().unwrap_or(first);
    match table.get_mut(name) {
        Some(Value::Table(inner)) if !rest.is_empty() => remove(inner, rest),
        _ => table.remove(name),
    }
}

/// The path of an unknown key ends at its table; the message names the key.
fn with_unknown_key(mut keys: Vec<String>, reason: &str) -> Vec<String> {
    let unknown = reason.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    if let Some(unknown) = unknown
        && keys.last().map(String::as_str) != Some(unknown)
    {
        keys.retain(|key| key != ".");
        keys.push(unknown.to_owned());
    }
    keys
}

/// A value as written, without its secrets.
pub(super) fn shown(key: &str, value: &Value) -> String {
    without_secrets(key, value.clone()).to_string()
}

fn without_secrets(key: &str, value: Value) -> Value {
    let is_secret = ["secret", "token"].iter().any(|word| key.contains(word));
    match value {
        Value::Table(table) => {
            Value::Table(table.into_iter().map(|(key, value)| (key.clone(), without_secrets(&key, value))).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(|value| without_secrets(key, value)).collect()),
        _ if is_secret => Value::String("…".to_owned()),
        plain => plain,
    }
}

/// The environment of the process, as far as it is text.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Parses the text of a configuration file on top of the defaults.
///
/// # Errors
/// As [`Layers::load`] and [`Layers::validate`].
#[cfg(test)]
pub(super) fn from_text(text: &str) -> Result<Config, ConfigError> {
    let path = PathBuf::from("test.toml");
    let table: Table = text
        .parse()
        .map_err(|source: toml::de::Error| ConfigError::Syntax { path: path.clone(), reason: source.to_string() })?;
    let mut layers = Layers::defaults();
    layers.overlay(table, &Origin::File(path));
    layers.validate()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<Problem> {
        match from_text(text) {
            Err(ConfigError::Problems(problems)) => problems,
            other => panic!("no problems: {other:?}"),
        }
    }

    #[test]
    fn defaults_survive_the_way_through_toml() {
        assert_eq!(Layers::defaults().validate().map(Config::into_inner), Ok(RawConfig::default()));
    }

    #[test]
    fn later_sources_win() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.toml");
        fs::write(&path, "data-dir = 'from-file'\n[server]\nlisten = '127.0.0.1:1'\nconnections = 7\n").unwrap();
        let variables = [("HEADWATER_SERVER__LISTEN", "127.0.0.1:2"), ("HEADWATER_STORE__DURABILITY", "page-cache")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let flags = Flags { listen: Some(SocketAddr::from(([127, 0, 0, 1], 3))), ..Flags::default() };
        let layers = Layers::load(Some(&path), variables, &flags).unwrap();
        let config = layers.validate().unwrap();
        assert_eq!(config.data_dir, PathBuf::from("from-file"));
        assert_eq!((config.server.connections, config.server.listen.port()), (7, 3));
        assert_eq!(config.store.durability, shard_store::Durability::PageCache);
        assert_eq!(layers.origin("server.listen"), Origin::Flag("--listen"));
        assert_eq!(layers.origin("store.durability"), Origin::Environment("HEADWATER_STORE__DURABILITY".into()));
        assert_eq!(layers.origin("server.connections"), Origin::File(path));
        assert_eq!(layers.origin("server.body-size"), Origin::Default);
    }

    #[test]
    fn variables_hold_numbers_booleans_lists_and_text() {
        let variables = [
            ("HEADWATER_SERVER__CONNECTIONS", "12"),
            ("HEADWATER_KINESIS__ENFORCE", "false"),
            ("HEADWATER_DATA_DIR", "2026"),
            ("HEADWATER_CREDENTIALS", "[{ access-key-id = 'a', secret-access-key = 'b' }]"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = Layers::load(None, variables, &Flags::default()).unwrap().validate().unwrap();
        assert_eq!((config.server.connections, config.kinesis.enforce), (12, false));
        assert_eq!(config.data_dir, PathBuf::from("2026"));
        assert_eq!(config.credentials[0].access_key_id, "a");
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let text = "dta-dir = 'x'\n[server]\nlisten = 'nowhere'\nbody-size = 7\nspeed = 'high'\n[store]\ndurability = 'hope'\n[stroe]\na = 1\n";
        let mut keys: Vec<_> = problems(text).into_iter().map(|problem| problem.key).collect();
        keys.sort();
        let expected = ["dta-dir", "server.body-size", "server.listen", "server.speed", "store.durability", "stroe"];
        assert_eq!(keys, expected);
    }

    #[test]
    fn problem_names_key_value_origin_and_what_is_allowed() {
        let problem = problems("[store]\ndurability = 'hope'").remove(0).to_string();
        for part in ["store.durability", "hope", "file test.toml", "`fsync`", "`page-cache`"] {
            assert!(problem.contains(part), "{problem}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let text = "[[credentials]]\naccess-key-id = 'a'\nsecret-access-key = 'hush'\naccount = 7\n";
        for problem in problems(text) {
            assert!(!problem.to_string().contains("hush"), "{problem}");
        }
    }

    #[test]
    fn file_that_is_missing_or_no_toml_is_named() {
        let missing = Layers::load(Some(Path::new("/nowhere/c.toml")), [], &Flags::default()).unwrap_err();
        assert!(missing.to_string().contains("/nowhere/c.toml"));
        assert!(matches!(from_text("= 1"), Err(ConfigError::Syntax { .. })));
    }
}
