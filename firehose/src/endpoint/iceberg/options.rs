//! The options of Iceberg catalogs, as they stand in a configuration file under `[firehose.iceberg."CATALOG-ARN"]`.

use serde::{Deserialize, Serialize};

use crate::definition::Secret;

/// How the REST catalog of an ARN is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CatalogOptions {
    /// Its address, without `/v1`.
    pub uri: String,
    /// The warehouse, for catalogs that have several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warehouse: Option<String>,
    /// A bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// `CLIENT-ID:CLIENT-SECRET`, which are exchanged for a token (OAuth 2, client credentials).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Secret>,
    /// Where they are exchanged; without it, `v1/oauth/tokens` of the catalog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth2_server_uri: Option<String>,
    /// The scope of the token.
    #[serde(default = "default_scope")]
    pub scope: String,
}

fn default_scope() -> String {
    "catalog".to_owned()
}

impl CatalogOptions {
    /// Everything that is wrong with the options of the catalog `arn`, each as a sentence with its key.
    pub(crate) fn problems(&self, arn: &str) -> Vec<String> {
        let mut problems = Vec::new();
        if self.token.is_some() && self.credential.is_some() {
            problems.push(format!("firehose.iceberg.{arn:?} has a token and a credential; give one of them"));
        }
        if self.credential.as_ref().is_some_and(|credential| !credential.0.contains(':')) {
            problems.push(format!("firehose.iceberg.{arn:?}.credential is not CLIENT-ID:CLIENT-SECRET"));
        }
        for (key, uri) in [("uri", Some(&self.uri)), ("oauth2-server-uri", self.oauth2_server_uri.as_ref())] {
            let is_good = |uri: &String| url::Url::parse(uri).is_ok_and(|uri| matches!(uri.scheme(), "http" | "https"));
            if !uri.is_none_or(is_good) {
                problems.push(format!("firehose.iceberg.{arn:?}.{key} is no http:// or https:// address"));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_told_and_secrets_stay_out_of_logs() {
        let text = r#"{"uri":"catalog","token":"hush","credential":"hush"}"#;
        let options: CatalogOptions = serde_json::from_str(text).unwrap();
        assert_eq!(options.problems("arn").len(), 3, "{:?}", options.problems("arn"));
        assert!(!format!("{options:?}").contains("hush"));
        let options: CatalogOptions = serde_json::from_str(r#"{"uri":"https://catalog","credential":"a:b"}"#).unwrap();
        assert_eq!(options.problems("arn"), Vec::<String>::new());
    }
}
