//! Splitting, merging, and updating the number of shards.

use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{ScalingType, Shard, ShardFilter, ShardFilterType, ShardIteratorType};

use super::{MIDDLE, id, start, texts};
use crate::support::clients::{assert_error, service_error};
use crate::support::records::{create_stream, iterator, shards};

fn parents(shard: &Shard) -> Vec<&str> {
    shard.parent_shard_id().into_iter().chain(shard.adjacent_parent_shard_id()).collect()
}

#[tokio::test]
async fn split_and_merged_shards_lead_to_their_children() {
    let (_server, client) = start().await;
    create_stream(&client, "s", 1).await;
    let put = |data: &'static str, hash_key: &'static str| {
        let request = client.put_record().stream_name("s").partition_key("k").explicit_hash_key(hash_key);
        request.data(Blob::new(data)).send()
    };
    put("parent", "7").await.unwrap();
    let split = client.split_shard().stream_name("s").shard_to_split(id(0)).new_starting_hash_key(MIDDLE);
    split.send().await.unwrap();
    put("lower", "7").await.unwrap();
    put("upper", MIDDLE).await.unwrap();
    let merge = client.merge_shards().stream_name("s").shard_to_merge(id(1)).adjacent_shard_to_merge(id(2));
    merge.send().await.unwrap();
    assert_eq!(put("child", MIDDLE).await.unwrap().shard_id(), id(3));

    let all = shards(&client, "s").await;
    let lineage: Vec<_> = all.iter().map(parents).collect();
    assert_eq!(lineage[..3], [vec![], vec!["shardId-000000000000"], vec!["shardId-000000000000"]]);
    assert_eq!(lineage[3].len(), 2, "a merged shard has two parents");
    let ends = all.iter().map(|shard| shard.sequence_number_range().unwrap().ending_sequence_number().is_some());
    assert_eq!(ends.collect::<Vec<_>>(), [true, true, true, false]);
    for (shard, data, children) in
        [(0, "parent", vec![id(1), id(2)]), (1, "lower", vec![id(3)]), (2, "upper", vec![id(3)])]
    {
        let token = iterator(&client, "s", &id(shard), ShardIteratorType::TrimHorizon).await;
        let answer = client.get_records().shard_iterator(token).send().await.unwrap();
        assert_eq!((texts(answer.records()), answer.next_shard_iterator()), (vec![data.to_owned()], None));
        let found = answer.child_shards().iter().map(|child| child.shard_id().to_owned());
        assert_eq!(found.collect::<Vec<_>>(), children);
        assert!(answer.child_shards()[0].parent_shards().contains(&id(shard)));
        assert!(answer.child_shards()[0].hash_key_range().is_some());
    }

    let filter = ShardFilter::builder().r#type(ShardFilterType::AtLatest).build().unwrap();
    let open = client.list_shards().stream_name("s").shard_filter(filter).send().await.unwrap();
    assert_eq!(open.shards().iter().map(Shard::shard_id).collect::<Vec<_>>(), [id(3)]);
}

#[tokio::test]
async fn the_number_of_shards_is_updated() {
    let (_server, client) = start().await;
    let arn = create_stream(&client, "s", 2).await;
    let update = |count| {
        let request = client.update_shard_count().stream_name("s").target_shard_count(count);
        request.scaling_type(ScalingType::UniformScaling).send()
    };
    let answer = update(4).await.unwrap();
    assert_eq!((answer.current_shard_count(), answer.target_shard_count()), (Some(2), Some(4)));
    assert_eq!((answer.stream_name(), answer.stream_arn()), (Some("s"), Some(arn.as_str())));
    let summary = client.describe_stream_summary().stream_name("s").send().await.unwrap();
    assert_eq!(summary.stream_description_summary().unwrap().open_shard_count(), 4);
    for count in [1, 9] {
        let error = service_error(update(count).await);
        assert!(error.is_limit_exceeded_exception(), "{count}: {error:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_split_or_merged_is_refused_with_the_type_of_aws() {
    let (_server, client) = start().await;
    create_stream(&client, "s", 3).await;
    let split = |stream: &str, shard: &str, at: &str| {
        let request = client.split_shard().stream_name(stream).shard_to_split(shard).new_starting_hash_key(at);
        request.send()
    };
    assert!(service_error(split("none", &id(0), "9").await).is_resource_not_found_exception());
    assert!(service_error(split("s", &id(7), "9").await).is_resource_not_found_exception());
    assert!(service_error(split("s", &id(0), "1").await).is_invalid_argument_exception());
    assert_error(split("s", &id(0), "x").await, "ValidationException", "'newStartingHashKey'");
    let merge = client.merge_shards().stream_name("s").shard_to_merge(id(0)).adjacent_shard_to_merge(id(2));
    assert!(service_error(merge.send().await).is_invalid_argument_exception());
    split("s", &id(0), "9").await.unwrap();
    assert_error(split("s", &id(0), "9").await, "InvalidArgumentException", "has already been merged or");
}
