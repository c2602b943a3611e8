//! Policies against requests.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const OWNER: &str = "222222222222";
const STREAM: &str = "arn:aws:kinesis:us-east-1:222222222222:stream/clicks";
const NOW_MS: u64 = 1_700_000_000_000; // 2023-11-14T22:13:20Z

const ROOT: Caller<'_> = Caller::Account { account: "111111111111", arn: "arn:aws:iam::111111111111:root" };
const USER: Caller<'_> = Caller::Account { account: "111111111111", arn: "arn:aws:iam::111111111111:user/team/ann" };
const OTHER: Caller<'_> = Caller::Account { account: "333333333333", arn: "arn:aws:iam::333333333333:root" };
const SNS: Caller<'_> = Caller::Service("sns.amazonaws.com");

fn request(caller: Caller<'static>) -> Request<'static> {
    Request {
        source_ip: Some("203.0.113.7".parse().unwrap()),
        user_agent: Some("boto3/1"),
        ..Request::new(caller, "kinesis:PutRecord", STREAM, NOW_MS)
    }
}

/// A policy of one statement that allows all to everybody, but for what is said.
fn policy(members: Value) -> Policy {
    let mut statement = json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"});
    for (name, value) in members.as_object().unwrap() {
        let plain = name.strip_prefix("Not").unwrap_or(name);
        statement.as_object_mut().unwrap().remove(plain);
        statement[name] = value.clone();
    }
    let text = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    Policy::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn allows(members: Value, request: &Request<'_>) -> bool {
    policy(members).decide(request) == Verdict::Allow
}

#[test]
fn principals_are_accounts_users_services_or_everybody() {
    let all = [ROOT, USER, OTHER, SNS, Caller::Anonymous];
    for (principal, meant) in [
        (json!("*"), [true; 5]),
        (json!({"AWS": "*"}), [true; 5]),
        (json!({"AWS": "111111111111"}), [true, true, false, false, false]),
        (json!({"AWS": "arn:aws:iam::111111111111:root"}), [true, true, false, false, false]),
        (json!({"AWS": ["arn:aws:iam::111111111111:user/team/ann"]}), [false, true, false, false, false]),
        (json!({"AWS": "arn:aws:iam::111111111111:role/ann"}), [false; 5]),
        (json!({"AWS": ["333333333333", "111111111111"]}), [true, true, true, false, false]),
        (json!({"Service": "sns.amazonaws.com"}), [false, false, false, true, false]),
        (json!({"Service": ["s3.amazonaws.com"], "AWS": "333333333333"}), [false, false, true, false, false]),
        (json!({"Federated": "accounts.google.com"}), [false; 5]),
    ] {
        let decided = all.map(|caller| allows(json!({"Principal": principal}), &request(caller)));
        assert_eq!(decided, meant, "{principal}");
        let negated = all.map(|caller| allows(json!({"NotPrincipal": principal}), &request(caller)));
        assert_eq!(negated, meant.map(|is_meant| !is_meant), "not {principal}");
    }
}

#[test]
fn actions_and_resources_have_wildcards() {
    for (members, is_allowed) in [
        (json!({"Action": "kinesis:PutRecord"}), true),
        (json!({"Action": "KINESIS:putrecord"}), true),
        (json!({"Action": ["kinesis:Get*", "kinesis:Put*"]}), true),
        (json!({"Action": "kinesis:PutRecord?"}), false),
        (json!({"Action": "sqs:*"}), false),
        (json!({"NotAction": "kinesis:Get*"}), true),
        (json!({"NotAction": ["kinesis:Get*", "kinesis:*"]}), false),
        (json!({"Resource": STREAM}), true),
        (json!({"Resource": "arn:aws:kinesis:*:222222222222:stream/c?icks"}), true),
        (json!({"Resource": "arn:aws:kinesis:us-east-1:222222222222:stream/Clicks"}), false),
        (json!({"NotResource": STREAM}), false),
        (json!({"NotResource": "arn:aws:kinesis:*:*:stream/views"}), true),
        (json!({"Resource": "arn:aws:kinesis:*:*:stream/${aws:username}"}), false),
    ] {
        assert_eq!(allows(members.clone(), &request(ROOT)), is_allowed, "{members}");
    }
    let by_name = policy(json!({"Resource": "arn:aws:s3:::home/${aws:username}/*"}));
    let request = Request { resource: "arn:aws:s3:::home/ann/x", ..request(USER) };
    assert_eq!(by_name.decide(&request), Verdict::Allow);
    assert_eq!(by_name.decide(&Request { caller: ROOT, ..request }), Verdict::Silent);
}

#[test]
fn conditions_compare_as_their_operators_say() {
    let source = "arn:aws:sns:us-east-1:111111111111:news";
    let more = [("sns:Protocol", "sqs"), ("aws:TagKeys", "a"), ("aws:TagKeys", "b"), ("s3:max-keys", "10")];
    let request = Request { source_arn: Some(source), more: &more, is_secure: true, ..request(USER) };
    for (operator, key, value, holds) in [
        ("StringEquals", "aws:PrincipalAccount", json!("111111111111"), true),
        ("StringEquals", "AWS:principalaccount", json!(["1", "111111111111"]), true),
        ("StringEquals", "aws:UserAgent", json!("boto3/*"), false),
        ("StringEquals", "aws:PrincipalOrgID", json!("o-1"), false),
        ("StringNotEquals", "aws:PrincipalOrgID", json!("o-1"), true),
        ("StringEqualsIfExists", "aws:PrincipalOrgID", json!("o-1"), true),
        ("StringNotEquals", "aws:PrincipalAccount", json!(["1", "111111111111"]), false),
        ("StringEqualsIgnoreCase", "aws:UserAgent", json!("BOTO3/1"), true),
        ("StringNotEqualsIgnoreCase", "aws:UserAgent", json!("BOTO3/1"), false),
        ("StringLike", "aws:UserAgent", json!("boto?/*"), true),
        ("StringNotLike", "aws:UserAgent", json!(["x", "boto*"]), false),
        ("StringEquals", "aws:SourceAccount", json!("${aws:PrincipalAccount}"), true),
        ("NumericEquals", "s3:max-keys", json!(10), true),
        ("NumericNotEquals", "s3:max-keys", json!("10.0"), false),
        ("NumericLessThan", "s3:max-keys", json!("10"), false),
        ("NumericLessThanEquals", "s3:max-keys", json!("10"), true),
        ("NumericGreaterThan", "s3:max-keys", json!("9.5"), true),
        ("NumericGreaterThanEquals", "aws:UserAgent", json!("1"), false),
        ("NumericLessThan", "aws:EpochTime", json!(1_700_000_001), true),
        ("DateEquals", "aws:CurrentTime", json!("2023-11-14T22:13:20Z"), true),
        ("DateNotEquals", "aws:CurrentTime", json!("2023-11-14T22:13:20Z"), false),
        ("DateGreaterThan", "aws:CurrentTime", json!("2023-11-14"), true),
        ("DateGreaterThanEquals", "aws:EpochTime", json!("2023-11-14T22:13:21Z"), false),
        ("DateLessThan", "aws:CurrentTime", json!("1700000001"), true),
        ("DateLessThanEquals", "aws:CurrentTime", json!("2023-11-14T23:13:20+01:00"), true),
        ("Bool", "aws:SecureTransport", json!(true), true),
        ("Bool", "aws:SecureTransport", json!("FALSE"), false),
        ("BoolIfExists", "aws:MultiFactorAuthPresent", json!("true"), true),
        ("IpAddress", "aws:SourceIp", json!("203.0.113.0/24"), true),
        ("IpAddress", "aws:SourceIp", json!(["10.0.0.0/8", "203.0.113.7"]), true),
        ("IpAddress", "aws:SourceIp", json!("2001:db8::/32"), false),
        ("NotIpAddress", "aws:SourceIp", json!("203.0.113.0/24"), false),
        ("ArnEquals", "aws:SourceArn", json!(source), true),
        ("ArnLike", "aws:SourceArn", json!("arn:aws:sns:*:*:n*"), true),
        ("ArnNotLike", "aws:SourceArn", json!("arn:aws:sns:*:*:n*"), false),
        ("ArnNotEquals", "aws:SourceArn", json!("arn:aws:sns:*:n*"), true),
        ("ArnEquals", "aws:PrincipalArn", json!("arn:aws:iam::111111111111:user/team/*"), true),
        ("Null", "aws:SourceArn", json!("false"), true),
        ("Null", "aws:PrincipalOrgID", json!(true), true),
        ("Null", "aws:SourceArn", json!(true), false),
        ("ForAnyValue:StringEquals", "aws:TagKeys", json!(["b", "c"]), true),
        ("ForAllValues:StringEquals", "aws:TagKeys", json!(["b", "c"]), false),
        ("ForAllValues:StringLike", "aws:TagKeys", json!("?"), true),
        ("ForAnyValue:StringNotEquals", "aws:TagKeys", json!("a"), true),
        ("ForAllValues:StringNotEquals", "aws:TagKeys", json!("c"), true),
        ("ForAnyValue:StringEquals", "aws:nothing", json!("c"), false),
        ("ForAllValues:StringEquals", "aws:nothing", json!("c"), true),
        ("ForAnyValue:StringEqualsIfExists", "aws:nothing", json!("c"), true),
        ("StringEquals", "SNS:protocol", json!("sqs"), true),
    ] {
        let condition = json!({operator: {key: value}});
        assert_eq!(allows(json!({"Condition": condition}), &request), holds, "{condition}");
    }
}

#[test]
fn every_condition_must_hold() {
    let condition = |account: &str| {
        json!({
            "StringEquals": {"aws:PrincipalAccount": account, "aws:UserAgent": "boto3/1"},
            "Bool": {"aws:SecureTransport": "false"},
        })
    };
    assert!(allows(json!({"Condition": condition("111111111111")}), &request(ROOT)));
    assert!(!allows(json!({"Condition": condition("333333333333")}), &request(ROOT)));
}

#[test]
fn a_deny_wins_and_outsiders_need_an_allow() {
    let statement =
        |effect: &str, action: &str| json!({"Effect": effect, "Principal": "*", "Action": action, "Resource": "*"});
    let parse = |statements: Value| Policy::parse(&json!({"Statement": statements}).to_string()).unwrap();
    let insider = Caller::Account { account: OWNER, arn: "arn:aws:iam::222222222222:root" };
    let both = |policy: Option<&Policy>| [insider, OTHER].map(|caller| check(policy, OWNER, &request(caller)));
    assert_eq!(both(None), [Ok(()), Err(Refusal::NotAllowed)]);
    let allow = parse(json!([statement("Allow", "kinesis:*")]));
    assert_eq!(both(Some(&allow)), [Ok(()), Ok(())]);
    let silent = parse(json!(statement("Allow", "kinesis:Get*")));
    assert_eq!(both(Some(&silent)), [Ok(()), Err(Refusal::NotAllowed)]);
    let deny = parse(json!([statement("Allow", "*"), statement("Deny", "kinesis:PutRecord"), statement("Allow", "*")]));
    assert_eq!(both(Some(&deny)), [Err(Refusal::Denied); 2]);
    for outsider in [SNS, Caller::Anonymous] {
        assert_eq!(check(None, OWNER, &request(outsider)), Err(Refusal::NotAllowed));
        assert_eq!(check(Some(&allow), OWNER, &request(outsider)), Ok(()));
    }
}

#[test]
fn what_would_be_understood_otherwise_than_it_was_meant_is_refused() {
    let good = r#"{"Effect": "Allow", "Principal": "*", "Action": "a:B", "Resource": "*"}"#;
    let whole = |statement: &str| format!(r#"{{"Statement": {statement}}}"#);
    assert!(Policy::parse(&whole(good)).is_ok());
    let with = |from: &str, to: &str| {
        assert!(good.contains(from));
        whole(&good.replace(from, to))
    };
    for (text, reason) in [
        (String::new(), "EOF"),
        ("[]".to_owned(), "invalid"),
        ("{}".to_owned(), "missing field `Statement`"),
        (whole("[]"), "no statement"),
        (format!(r#"{{"Version": "2020-01-01", "Statement": {good}}}"#), "unknown version \"2020-01-01\""),
        (format!(r#"{{"Statement": {good}, "Statements": []}}"#), "unknown field `Statements`"),
        (format!(r#"{{"Statement": {good}}} x"#), "trailing"),
        (with("Allow", "allow"), "unknown variant `allow`"),
        (with(r#""Effect": "Allow","#, ""), "missing field `Effect`"),
        (with(r#""Effect": "Allow""#, r#""Effect": "Deny", "Effect": "Allow""#), "duplicate field `Effect`"),
        (with(r#""Principal": "*","#, ""), "no Principal"),
        (with(r#""Principal": "*""#, r#""Principal": "*", "NotPrincipal": "*""#), "both Principal and NotPrincipal"),
        (with(r#""Principal": "*""#, r#""Principal": "x""#), "invalid principal \"x\""),
        (with(r#""Principal": "*""#, r#""Principal": {}"#), "empty Principal"),
        (with(r#""Principal": "*""#, r#""Principal": {"AWS": "arn:aws:iam::1:root"}"#), "invalid principal"),
        (
            with(r#""Principal": "*""#, r#""Principal": {"AWS": "arn:aws:iam::111111111111:user/*"}"#),
            "invalid principal",
        ),
        (with(r#""Principal": "*""#, r#""Principal": {"Aws": "*"}"#), "unknown kind of principal \"Aws\""),
        (with(r#""Principal": "*""#, r#""Principal": {"AWS": "*", "AWS": "*"}"#), "duplicate key \"AWS\""),
        (with(r#""Action": "a:B","#, ""), "no Action"),
        (with("a:B", "B"), "invalid Action \"B\""),
        (with(r#""a:B""#, "[]"), "empty Action"),
        (with(r#""Resource": "*""#, r#""Resource": "clicks""#), "invalid Resource \"clicks\""),
        (with(r#""Resource": "*""#, r#""Resource": "*", "Condition": {"Equals": {"a": "b"}}"#), "operator \"Equals\""),
        (with(r#""Resource": "*""#, r#""Resource": "*", "Condition": {"Bool": {"a": "b"}}"#), "invalid value \"b\""),
        (with(r#""Resource": "*""#, r#""Resource": "*", "Condition": {"Bool": {"a": []}}"#), "has no value"),
        (
            with(r#""Resource": "*""#, r#""Resource": "*", "Condition": {"IpAddress": {"a": "1.2.3.4/33"}}"#),
            "invalid value",
        ),
        (
            with(r#""Resource": "*""#, r#""Resource": "*", "Condition": {"ForSome:Bool": {"a": "true"}}"#),
            "unknown condition",
        ),
        (format!(r#"{{"Statement": [{0}, {0}]}}"#, good.replace('{', r#"{"Sid": "a", "#)), "the Sid \"a\""),
        (whole(&"[".repeat(100_000)), ""),
    ] {
        let error = Policy::parse(&text).expect_err(&text).to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

/// JSON that is often nearly a policy.
fn nearly_policy() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "*",
            "AWS",
            "Allow",
            "Deny",
            "111111111111",
            "kinesis:*",
            "arn:aws:s3:::${aws:username}*",
            "2012-10-17",
            "true",
            "10.0.0.0/8",
            "2023-11-14",
            "${aws:x, 'y'}",
            "${",
            "7",
        ])
        .prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    let key = prop::sample::select(vec![
        "Version",
        "Statement",
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
        "AWS",
        "Service",
        "StringLike",
        "Bool",
        "IpAddress",
        "DateLessThan",
        "NumericEquals",
        "ForAllValues:ArnNotLike",
        "Null",
        "aws:SourceIp",
        "aws:CurrentTime",
    ]);
    word.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A statement of one of many kinds.
fn statement() -> impl Strategy<Value = Value> {
    let principal = prop::sample::select(vec![
        json!("*"),
        json!({"AWS": "111111111111"}),
        json!({"AWS": "arn:aws:iam::111111111111:user/team/ann"}),
        json!({"Service": "sns.amazonaws.com"}),
    ]);
    let action = prop::sample::select(vec!["*", "kinesis:PutRecord", "kinesis:Get*", "sqs:*"]);
    let resource = prop::sample::select(vec!["*", STREAM, "arn:aws:kinesis:*:*:stream/v*"]);
    let condition = prop::sample::select(vec![
        json!({}),
        json!({"Bool": {"aws:SecureTransport": "true"}}),
        json!({"StringNotEquals": {"aws:PrincipalAccount": "333333333333"}}),
    ]);
    let effect = prop::sample::select(vec!["Allow", "Deny"]);
    (effect, principal, action, resource, condition).prop_map(|(effect, principal, action, resource, condition)| {
        json!({"Effect": effect, "Principal": principal, "Action": action, "Resource": resource, "Condition": condition})
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_the_reading_or_the_decision(value in nearly_policy(), text in any::<String>()) {
        for text in [value.to_string(), json!({"Version": "2012-10-17", "Statement": value}).to_string(), text] {
            if let Ok(policy) = Policy::parse(&text) {
                policy.decide(&request(USER));
            }
        }
    }

    #[test]
    fn a_deny_wins_in_whatever_company(statements in prop::collection::vec(statement(), 1..6)) {
        let verdict = |statements: &[&Value]| {
            Policy::parse(&json!({"Version": "2012-10-17", "Statement": statements}).to_string()).unwrap()
        };
        for caller in [ROOT, USER, OTHER, SNS, Caller::Anonymous] {
            let request = request(caller);
            let each: Vec<_> = statements.iter().map(|statement| verdict(&[statement]).decide(&request)).collect();
            let expected = [Verdict::Deny, Verdict::Allow].into_iter().find(|verdict| each.contains(verdict));
            let all: Vec<_> = statements.iter().collect();
            prop_assert_eq!(verdict(&all).decide(&request), expected.unwrap_or(Verdict::Silent));
            let reversed: Vec<_> = statements.iter().rev().collect();
            prop_assert_eq!(verdict(&reversed).decide(&request), expected.unwrap_or(Verdict::Silent));
        }
    }
}
