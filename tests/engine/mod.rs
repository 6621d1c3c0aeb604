//! What the engine says of any policies, held against evaluators and lists that share no code with it.

mod cases;
mod completion;
mod concrete;
mod corpus;
mod matrix;
mod of_cluster;
mod pods;
mod properties;
mod random;
mod symbolic;

use crate::oracle;
use crate::oracle::evaluate as naive;
use polder::k8s;
use polder::netpol::Policy;
use serde_json::Value;

/// Policies as the engine and as the oracle read them from one text.
fn read(text: &str) -> (Vec<Policy>, naive::PolicySet) {
    let reading = k8s::read(text, "default");
    assert_eq!(reading.problems, [], "{text}");
    let documents = oracle::read::documents(text).unwrap();
    let set = oracle::read::policies(&documents).unwrap();
    (reading.policies.into_iter().map(|read| read.policy).collect(), set)
}

/// Documents as one stream.
fn stream(documents: &[Value]) -> String {
    documents.iter().map(|document| format!("---\n{}", serde_yaml::to_string(document).unwrap())).collect()
}
