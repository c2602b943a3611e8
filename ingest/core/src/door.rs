//! [`Door`], one AWS service.

use std::sync::Arc;

use crate::call_rate::CallRates;
use crate::operation::Operations;

/// One AWS service: the state of a front door, and the table of its operations.
pub trait Door: Send + Sync + Sized + 'static {
    /// The service's signing name, which stands in a signature's scope and labels the metrics: `kinesis`.
    const SERVICE: &'static str;

    /// What stands before the dot in `X-Amz-Target`: `Kinesis_20131202`.
    const TARGET_PREFIX: &'static str;

    /// Where the calls of its operations are counted, if they have rates.
    fn call_rates(&self) -> Option<&Arc<CallRates>> {
        None
    }

    /// Every operation of the service's model, present or absent.
    fn operations() -> Operations<Self>;
}
