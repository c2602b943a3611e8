//! Buckets in memory that fail as told, for tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use shard_store::log::BoxFuture;

use super::{Sink, SinkError, Sinks};

/// What the next put does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is stored, and it says so.
    Refuse,
    /// The object is stored, but the answer is lost.
    LoseAnswer,
    /// It never answers; nothing is stored.
    Hang,
    /// The object is stored, and it never answers.
    StoreAndHang,
}

/// One bucket for all names, kept across crashes of what writes to it.
#[derive(Clone, Default)]
pub(crate) struct FaultySinks(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Bytes>,
    faults: Vec<Fault>,
    delete_faults: Vec<Fault>,
    is_down: bool,
    /// Keys that were stored again with other bytes.
    changed: Vec<String>,
    refused_count: usize,
    hung_count: usize,
}

impl FaultySinks {
    /// The next puts fail like this, the last one first.
    pub(crate) fn fail_next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.lock().faults.extend(faults);
    }

    /// The next deletions fail like this, the last one first.
    pub(crate) fn fail_next_deletes(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.lock().delete_faults.extend(faults);
    }

    pub(crate) fn clear_faults(&self) {
        let mut state = self.0.lock();
        state.faults.clear();
        state.delete_faults.clear();
    }

    /// Refuses everything until it is told otherwise.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.0.lock().is_down = is_down;
    }

    pub(crate) fn objects(&self) -> BTreeMap<String, Bytes> {
        self.0.lock().objects.clone()
    }

    pub(crate) fn changed(&self) -> Vec<String> {
        self.0.lock().changed.clone()
    }

    pub(crate) fn hung_count(&self) -> usize {
        self.0.lock().hung_count
    }

    pub(crate) fn refused_count(&self) -> usize {
        self.0.lock().refused_count
    }
}

impl State {
    fn store(&mut self, key: &str, object: Bytes) {
        if let Some(before) = self.objects.insert(key.to_owned(), object.clone())
            && before != object
        {
            self.changed.push(key.to_owned());
        }
    }
}

fn refused(key: &str) -> SinkError {
    let (key, bucket) = (key.to_owned(), "test".to_owned());
    SinkError { action: "store", key, bucket, reason: "told to".to_owned() }
}

impl Sink for FaultySinks {
    fn put<'a>(&'a self, key: &'a str, object: Bytes) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(async move {
            let fault = {
                let mut state = self.0.lock();
                let fault = if state.is_down { Some(Fault::Refuse) } else { state.faults.pop() };
                if matches!(fault, None | Some(Fault::LoseAnswer | Fault::StoreAndHang)) {
                    state.store(key, object);
                } else {
                    state.refused_count += 1;
                }
                if matches!(fault, Some(Fault::Hang | Fault::StoreAndHang)) {
                    state.hung_count += 1;
                }
                fault
            };
            match fault {
                None => Ok(()),
                Some(Fault::Refuse | Fault::LoseAnswer) => Err(refused(key)),
                Some(Fault::Hang | Fault::StoreAndHang) => std::future::pending().await,
            }
        })
    }

    fn size_of<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<u64>, SinkError>> {
        Box::pin(async move {
            let mut state = self.0.lock();
            if state.is_down {
                state.refused_count += 1;
                return Err(refused(key));
            }
            Ok(state.objects.get(key).map(|object| object.len() as u64))
        })
    }

    fn get<'a>(&'a self, key: &'a str, byte_count_max: u64) -> BoxFuture<'a, Result<Option<Bytes>, SinkError>> {
        Box::pin(async move {
            let mut state = self.0.lock();
            let object = state.objects.get(key).cloned();
            if state.is_down || object.as_ref().is_some_and(|object| object.len() as u64 > byte_count_max) {
                state.refused_count += 1;
                return Err(refused(key));
            }
            Ok(object)
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(async move {
            let fault = {
                let mut state = self.0.lock();
                let fault = if state.is_down { Some(Fault::Refuse) } else { state.delete_faults.pop() };
                if matches!(fault, None | Some(Fault::LoseAnswer | Fault::StoreAndHang)) {
                    state.objects.remove(key);
                } else {
                    state.refused_count += 1;
                }
                fault
            };
            match fault {
                None => Ok(()),
                Some(Fault::Refuse | Fault::LoseAnswer) => Err(refused(key)),
                Some(Fault::Hang | Fault::StoreAndHang) => std::future::pending().await,
            }
        })
    }
}

impl Sinks for FaultySinks {
    fn open(&self, _bucket: &str) -> Result<Arc<dyn Sink>, SinkError> {
        Ok(Arc::new(self.clone()))
    }
}
