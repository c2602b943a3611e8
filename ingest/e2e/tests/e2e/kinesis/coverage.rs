//! No operation of the door without a test through a real SDK: what the README's table says of it is true.

use crate::support::coverage::told_wrongly;

#[test]
fn every_operation_of_the_door_is_called_through_an_sdk_where_the_readme_says() {
    assert_eq!(told_wrongly("kinesis", 39), [""; 0], "operations without a test in the module that the README names");
}
