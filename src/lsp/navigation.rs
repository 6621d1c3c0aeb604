//! `textDocument/definition`, `references` and `documentHighlight`.

use super::names;
use super::program::{FileSpot, Program};
use crate::model::Role;
use crate::source::Span;
use lsp_types::{DocumentHighlight, DocumentHighlightKind, Location};

/// Where it is declared.
pub(super) fn definition(program: &Program, spot: FileSpot) -> Vec<Location> {
    let spans = names::all_at(program, spot).into_iter().flat_map(|entity| program.declarations(entity));
    locations(program, spans)
}

/// Where it is named.
pub(super) fn references(program: &Program, spot: FileSpot, declarations: bool) -> Vec<Location> {
    let entities = names::all_at(program, spot);
    let places = entities.iter().flat_map(|entity| program.places(*entity));
    let wanted = places.filter(|place| declarations || place.role != Role::Declares);
    locations(program, wanted.map(|place| place.span))
}

fn locations(program: &Program, spans: impl Iterator<Item = Span>) -> Vec<Location> {
    let mut spans: Vec<Span> = spans.collect();
    spans.sort_unstable();
    spans.dedup();
    spans.into_iter().filter_map(|span| program.location(span)).collect()
}

/// Where it is named in its file.
pub(super) fn highlight(program: &Program, spot: FileSpot) -> Vec<DocumentHighlight> {
    let entities = names::all_at(program, spot);
    let mut places: Vec<_> = entities.iter().flat_map(|entity| program.places(*entity)).collect();
    places.retain(|place| place.span.file == spot.file);
    places.sort_unstable();
    places.dedup_by_key(|place| place.span);
    let kind = |role| match role {
        Role::Declares => DocumentHighlightKind::Write,
        Role::Names | Role::Means => DocumentHighlightKind::Read,
    };
    let one = |place: &&crate::model::Reference| DocumentHighlight {
        range: program.range(place.span),
        kind: Some(kind(place.role)),
    };
    places.iter().map(one).collect()
}
