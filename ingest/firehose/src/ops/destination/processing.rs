//! Processors and their parameters.
//!
//! Source: Firehose API Reference, "Processor" and "ProcessorParameter"; the refusals are in the words that AWS was observed
//! to use, where it was.

use std::collections::BTreeMap;

use firehose::definition::{Processor, SubRecords, Transform};
use ingest_core::{Arn, Fault};

use super::form::Form;
use super::{invalid, url};
use crate::limits::{PARAMETER_VALUE_CHARS_MAX, PROCESSORS_MAX};
use crate::model::destination::{self, ProcessingConfiguration};
use crate::validate::NOT_BLANK;

const LAMBDA: &str = "Lambda";
const METADATA_EXTRACTION: &str = "MetadataExtraction";
const DECOMPRESSION: &str = "Decompression";
const CLOUD_WATCH_LOGS: &str = "CloudWatchLogProcessing";
const DEAGGREGATION: &str = "RecordDeAggregation";
const APPEND_DELIMITER: &str = "AppendDelimiterToRecord";

const TYPES: &[&str] = &[DEAGGREGATION, DECOMPRESSION, CLOUD_WATCH_LOGS, LAMBDA, METADATA_EXTRACTION, APPEND_DELIMITER];

const PARAMETERS: &[&str] = &[
    "LambdaArn",
    "NumberOfRetries",
    "MetadataExtractionQuery",
    "JsonParsingEngine",
    "RoleArn",
    "BufferSizeInMBs",
    "BufferIntervalInSeconds",
    "SubRecordType",
    "Delimiter",
    "CompressionFormat",
    "DataMessageExtraction",
];

const RETRIES_DEFAULT: u32 = 3;
const RETRIES_MAX: u32 = 300;
const BUFFER_INTERVAL_SECONDS_MAX: u32 = 900;
const BUFFER_MIB_RANGE: std::ops::RangeInclusive<f64> = 0.2..=3.0;
const BYTES_PER_MIB: f64 = 1_048_576.0;

/// The bytes of data that one invocation takes unless it is told otherwise.
/// Source: Firehose API Reference, "ProcessorParameter".
pub(crate) const INVOCATION_BYTES_DEFAULT: u64 = 1 << 20;

/// As [`INVOCATION_BYTES_DEFAULT`], for Splunk.
pub(crate) const SPLUNK_INVOCATION_BYTES_DEFAULT: u64 = 256 << 10;

/// Puts the model's constraints upon the members.
pub(crate) fn validate(form: &mut Form<'_>, configuration: Option<&ProcessingConfiguration>) {
    let processors = configuration.and_then(|configuration| configuration.processors.as_deref()).unwrap_or_default();
    let mut form = form.whole("processingConfiguration");
    for (number, processor) in (1..).zip(processors) {
        let mut form = form.whole(&format!("processors.{number}.member"));
        form.required("type", processor.kind.as_deref()).one_of(TYPES);
        for (number, parameter) in (1..).zip(processor.parameters.as_deref().unwrap_or_default()) {
            let mut form = form.whole(&format!("parameters.{number}.member"));
            form.required("parameterName", parameter.parameter_name.as_deref()).one_of(PARAMETERS);
            let value = form.required("parameterValue", parameter.parameter_value.as_deref());
            value.length(1, PARAMETER_VALUE_CHARS_MAX).pattern(NOT_BLANK);
        }
    }
}

/// Fills in what is not given: nothing is processed unless it is told so.
pub(crate) fn fill(configuration: &mut Option<ProcessingConfiguration>) {
    configuration.get_or_insert_default().enabled.get_or_insert(false);
}

/// What valid members mean: the processors that are switched on, in the order in which they work.
///
/// # Errors
/// `InvalidArgumentException`.
pub(crate) fn plan(
    configuration: Option<&ProcessingConfiguration>,
    invocation_bytes: u64,
) -> Result<Vec<Processor>, Fault> {
    let Some(configuration) = configuration.filter(|configuration| configuration.enabled == Some(true)) else {
        return Ok(Vec::new());
    };
    let given = configuration.processors.as_deref().unwrap_or_default();
    if given.is_empty() || given.len() > PROCESSORS_MAX {
        return Err(invalid(
            "A maximum of 5 and a minimum of 1 processor needs to be supplied when processing is enabled.",
        ));
    }
    let mut kinds: Vec<&str> = Vec::new();
    let mut processors = Vec::new();
    for processor in given {
        let kind = processor.kind.as_deref().unwrap_or_default();
        if kinds.contains(&kind) {
            return Err(invalid(format!("Cannot have more than 1 {kind} processor.")));
        }
        kinds.push(kind);
        processors.push(plan_processor(kind, Parameters::of(processor)?, invocation_bytes)?);
    }
    if kinds.contains(&CLOUD_WATCH_LOGS) && !kinds.contains(&DECOMPRESSION) {
        return Err(invalid("CloudWatchLogProcessingProcessor can only be enabled with DecompressionProcessor"));
    }
    processors.sort();
    Ok(processors)
}

fn plan_processor(kind: &str, mut parameters: Parameters<'_>, invocation_bytes: u64) -> Result<Processor, Fault> {
    let processor = match kind {
        DECOMPRESSION => {
            if parameters.take("CompressionFormat").is_some_and(|format| format != "GZIP") {
                return Err(invalid("CompressionFormat has to be GZIP"));
            }
            Processor::Decompression
        }
        CLOUD_WATCH_LOGS => Processor::CloudWatchLogs { extracts_messages: plan_message_extraction(&mut parameters)? },
        DEAGGREGATION => Processor::Deaggregation(plan_sub_records(&mut parameters)?),
        LAMBDA => Processor::Lambda(plan_transform(&mut parameters, invocation_bytes)?),
        METADATA_EXTRACTION => plan_metadata_extraction(&mut parameters)?,
        // The validator has let nothing else pass but this one.
        _ => Processor::Delimiter { text: unescape(parameters.take("Delimiter").unwrap_or("\\n"))? },
    };
    match parameters.by_name.keys().next() {
        Some(name) => Err(invalid(format!("The processor {} takes no parameter {name}.", parameters.kind))),
        None => Ok(processor),
    }
}

fn plan_message_extraction(parameters: &mut Parameters<'_>) -> Result<bool, Fault> {
    let value = parameters.take("DataMessageExtraction").unwrap_or_default();
    let refusal = "Invalid parameter value for DataMessageExtraction. Allowed values are True and False.";
    value.to_ascii_lowercase().parse().map_err(|_| invalid(refusal))
}

fn plan_sub_records(parameters: &mut Parameters<'_>) -> Result<SubRecords, Fault> {
    match parameters.take("SubRecordType") {
        Some("JSON") => Ok(SubRecords::Json),
        Some("DELIMITED") => {
            let text = parameters.take("Delimiter").unwrap_or_default();
            let delimiter = base64_simd::STANDARD.decode_to_vec(text).ok().filter(|delimiter| !delimiter.is_empty());
            let refusal = || invalid("Delimiter has to be given in base64 when SubRecordType is DELIMITED");
            Ok(SubRecords::Delimited { delimiter: delimiter.ok_or_else(refusal)? })
        }
        _ => Err(invalid("SubRecordType has to be one of JSON, DELIMITED")),
    }
}

fn plan_transform(parameters: &mut Parameters<'_>, invocation_bytes: u64) -> Result<Transform, Fault> {
    let function =
        parameters.take("LambdaArn").ok_or_else(|| invalid("LambdaArn is required when Lambda processor is used."))?;
    let is_arn = Arn::parse(function).is_ok_and(|arn| arn.service == "lambda" && arn.resource.starts_with("function:"));
    if !is_arn {
        url::check("LambdaArn", function)?;
    }
    // There are no roles to assume; it is told again, as at AWS.
    parameters.take("RoleArn");
    let interval = parameters.number("BufferIntervalInSeconds", BUFFER_INTERVAL_SECONDS_MAX, || {
        "BufferIntervalInSeconds for lambda processor must be between 0 and 900.".to_owned()
    });
    interval?;
    let retry_count = parameters.number("NumberOfRetries", RETRIES_MAX, || {
        "Number of retries for lambda must be between 0 and 300.".to_owned()
    })?;
    Ok(Transform {
        function: function.to_owned(),
        retry_count: retry_count.unwrap_or(RETRIES_DEFAULT),
        buffer_bytes: plan_invocation_bytes(parameters.take("BufferSizeInMBs"))?.unwrap_or(invocation_bytes),
    })
}

fn plan_invocation_bytes(mib: Option<&str>) -> Result<Option<u64>, Fault> {
    let Some(text) = mib else { return Ok(None) };
    let mib = text.parse::<f64>().ok().filter(|mib| BUFFER_MIB_RANGE.contains(mib));
    let mib = mib.ok_or_else(|| invalid("BufferSizeInMBs for lambda processor must be between 0.2 and 3."))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0.2 and 3 MiB")]
    Ok(Some((mib * BYTES_PER_MIB) as u64))
}

fn plan_metadata_extraction(parameters: &mut Parameters<'_>) -> Result<Processor, Fault> {
    if parameters.take("JsonParsingEngine") != Some("JQ-1.6") {
        return Err(invalid("MetaDataExtraction JSON Parsing Engine has to be one of JQ-1.6"));
    }
    let query = parameters.take("MetadataExtractionQuery");
    let query = query.ok_or_else(|| invalid("MetadataExtractionQuery is required when MetadataExtraction is used."))?;
    Ok(Processor::MetadataExtraction { query: query.to_owned() })
}

/// What `\n`, `\r`, `\t` and `\\` stand for: a parameter's value cannot be blank.
fn unescape(text: &str) -> Result<String, Fault> {
    let mut unescaped = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        unescaped.push(match (char, if char == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => '\n',
            ('\\', Some('r')) => '\r',
            ('\\', Some('t')) => '\t',
            ('\\', Some('\\')) => '\\',
            ('\\', _) => return Err(invalid("Delimiter may have a backslash only in \\n, \\r, \\t and \\\\.")),
            (other, _) => other,
        });
    }
    Ok(unescaped)
}

/// The parameters of a processor that nobody has asked for yet.
struct Parameters<'a> {
    kind: &'a str,
    by_name: BTreeMap<&'a str, &'a str>,
}

impl<'a> Parameters<'a> {
    fn of(processor: &'a destination::Processor) -> Result<Self, Fault> {
        let mut by_name = BTreeMap::new();
        for parameter in processor.parameters.as_deref().unwrap_or_default() {
            let name = parameter.parameter_name.as_deref().unwrap_or_default();
            if by_name.insert(name, parameter.parameter_value.as_deref().unwrap_or_default()).is_some() {
                return Err(invalid(format!("The parameter {name} is there twice.")));
            }
        }
        Ok(Self { kind: processor.kind.as_deref().unwrap_or_default(), by_name })
    }

    fn take(&mut self, name: &str) -> Option<&'a str> {
        self.by_name.remove(name)
    }

    fn number(&mut self, name: &str, max: u32, refusal: impl FnOnce() -> String) -> Result<Option<u32>, Fault> {
        match self.take(name).map(|text| text.parse::<u32>()) {
            None => Ok(None),
            Some(Ok(number)) if number <= max => Ok(Some(number)),
            Some(_) => Err(invalid(refusal())),
        }
    }
}
