//! [`Arn`], an Amazon Resource Name.

use std::fmt;

/// An Amazon Resource Name: `arn:partition:service:region:account:resource`.
///
/// Source: AWS Identity and Access Management User Guide, "Identify AWS resources with Amazon Resource Names (ARNs)".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// The partition: `aws`, `aws-cn`, ….
    pub partition: &'a str,
    /// The service, such as `kinesis`.
    pub service: &'a str,
    /// The region; empty for a global resource.
    pub region: &'a str,
    /// The account; empty for a few kinds of resource.
    pub account: &'a str,
    /// The resource, such as `stream/clicks`; may hold colons.
    pub resource: &'a str,
}

/// A text is not an [`Arn`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an ARN: expected arn:partition:service:region:account:resource")]
pub struct InvalidArn;

impl<'a> Arn<'a> {
    /// Reads an ARN.
    ///
    /// # Errors
    /// If it does not begin with `arn:`, has fewer than six parts, or no resource.
    pub fn parse(text: &'a str) -> Result<Self, InvalidArn> {
        let mut parts = text.splitn(6, ':');
        let mut part = || parts.next().ok_or(InvalidArn);
        if part()? != "arn" {
            return Err(InvalidArn);
        }
        let arn = Self { partition: part()?, service: part()?, region: part()?, account: part()?, resource: part()? };
        if arn.partition.is_empty() || arn.service.is_empty() || arn.resource.is_empty() {
            return Err(InvalidArn);
        }
        Ok(arn)
    }

    /// What follows `kind/` in the resource: the name of a `stream/clicks`.
    pub fn resource_name(&self, kind: &str) -> Option<&'a str> {
        self.resource.strip_prefix(kind)?.strip_prefix('/').filter(|name| !name.is_empty())
    }
}

impl fmt::Display for Arn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arn_is_read_and_written() {
        let text = "arn:aws:kinesis:eu-central-1:123456789012:stream/clicks/consumer/c:1700000000";
        let arn = Arn::parse(text).unwrap();
        assert_eq!((arn.service, arn.region, arn.account), ("kinesis", "eu-central-1", "123456789012"));
        assert_eq!(arn.resource_name("stream"), Some("clicks/consumer/c:1700000000"));
        assert_eq!(arn.resource_name("deliverystream"), None);
        assert_eq!(arn.to_string(), text);
    }

    #[test]
    fn global_resources_have_neither_region_nor_account() {
        assert_eq!(Arn::parse("arn:aws:s3:::bucket").unwrap().resource, "bucket");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in
            ["", "arn", "clicks", "arn:aws:kinesis:eu:1", "arn:aws:kinesis:eu:1:", "urn:aws:a:b:c:d", "arn::a:b:c:d"]
        {
            assert_eq!(Arn::parse(text), Err(InvalidArn), "{text}");
        }
    }
}
