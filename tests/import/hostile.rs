//! Policies that nobody would write: lifted and proved, or refused in one sentence, after so many comparisons and no more.

use super::alike::ALIKE;
use super::import_text;
use super::shapes::SHAPES;

/// Most of an import's time goes into comparisons; so many take about two seconds.
const MOST: usize = 2_000_000;

#[test]
fn shapes_are_lifted_or_refused() {
    for (name, shape) in SHAPES.iter().chain(ALIKE).filter(|(name, _)| *name != "broken-documents") {
        let import = import_text(&shape(20_000));
        assert_eq!(import.failure, None, "{name}");
        assert!(import.refused.is_empty(), "{name}: {:?}", import.refused);
        assert!(import.lifted.comparisons <= MOST, "{name}: {} comparisons", import.lifted.comparisons);
    }
}

#[test]
fn what_would_be_compared_each_with_each_is_refused_before() {
    let heavy = ["absent-keys", "exists-of-two", "keys-in-a-chain", "peers-by-expressions", "peers-and-ports"];
    for (name, shape) in SHAPES.iter().filter(|(name, _)| heavy.contains(name)) {
        // One light namespace beside it is lifted all the same.
        let light = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny, namespace: light}\nspec: \
                     {podSelector: {}}\n";
        let import = import_text(&format!("{}\n---\n{light}", shape(600_000)));
        assert_eq!(import.failure, None, "{name}");
        let [refused] = import.refused.as_slice() else { panic!("{name}: {:?}", import.refused) };
        assert!(refused.what.contains("namespace `shop`") && refused.reason.starts_with(['t', 'i']), "{refused:?}");
        assert_eq!(import.lifted.namespaces.iter().map(|name| &**name).collect::<Vec<_>>(), ["light"], "{name}");
        assert!(import.lifted.comparisons <= 100, "{name}: {} comparisons", import.lifted.comparisons);
    }
}
