//! Shapes of requests and answers, as botocore's model has them.
//!
//! Members that are not acted on are read as [`Unsupported`], so that their presence is seen and refused by name. Members
//! that the model requires are optional here, so that the validator reports a missing one in AWS's words. The
//! configuration of a destination is kept as it was given and told again by `DescribeDeliveryStream`.

pub(crate) mod conversion;
pub(crate) mod destination;
mod msk;
mod operation;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) use msk::*;
pub(crate) use operation::*;

/// A member that is not acted on, if it is there.
pub(crate) type Unsupported = Option<Refused>;

/// A member that is there but not acted on, whatever it holds. That it is there outlives the merging of an update.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused;

impl<'de> Deserialize<'de> for Refused {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl Serialize for Refused {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}
