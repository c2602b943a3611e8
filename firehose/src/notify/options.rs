//! A target of notifications, as it stands in a configuration file under `[[firehose.streams.NAME.notify]]`.

use serde::{Deserialize, Serialize};

use crate::definition::Secret;

/// Where notifications go: a URL, a queue, or a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// A URL that takes events as JSON, by POST.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The URL of a queue of SQS, or of a server that speaks its protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_url: Option<String>,
    /// The ARN of a topic of SNS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_arn: Option<String>,
    /// The server that has the topic; AWS, in the topic's region, without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The region of the queue; the delivery stream's without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// What calls of queues and topics are signed with. Without it: `AWS_ACCESS_KEY_ID` and its like in the environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// Belongs to the access key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_access_key: Option<Secret>,
    /// Belongs to temporary credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_token: Option<Secret>,
    /// What events say under `configurationId`.
    pub configuration_id: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            url: None,
            queue_url: None,
            topic_arn: None,
            endpoint: None,
            region: None,
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            configuration_id: "headwater".to_owned(),
        }
    }
}

impl Options {
    /// Everything that is wrong with the options, each as what is to be said after their key.
    pub(crate) fn problems(&self) -> Vec<&'static str> {
        let target_count = [&self.url, &self.queue_url, &self.topic_arn].into_iter().flatten().count();
        let has_topic = self.topic_arn.is_some();
        let is_fifo = [&self.queue_url, &self.topic_arn].into_iter().flatten().any(|name| name.ends_with(".fifo"));
        let has_key = self.access_key_id.is_some();
        let cases = [
            (target_count != 1, "needs exactly one of url, queue-url and topic-arn"),
            (self.endpoint.is_some() && !has_topic, "has an endpoint, which only a topic-arn goes with"),
            (self.region.is_some() && self.queue_url.is_none(), "has a region, which only a queue-url goes with"),
            (has_topic && self.topic_region().is_none(), "has a topic-arn that is none of SNS"),
            (is_fifo, "names a FIFO queue or topic, which events cannot go to"),
            (has_key != self.secret_access_key.is_some(), "needs access-key-id and secret-access-key together"),
            (self.session_token.is_some() && !has_key, "has a session-token without an access-key-id"),
        ];
        cases.into_iter().filter(|(is_wrong, _)| *is_wrong).map(|(_, problem)| problem).collect()
    }

    /// The region of the topic.
    pub(super) fn topic_region(&self) -> Option<&str> {
        match self.topic_arn.as_deref()?.split(':').collect::<Vec<_>>()[..] {
            ["arn", _, "sns", region, _, name] if !region.is_empty() && !name.is_empty() => Some(region),
            _ => None,
        }
    }
}
