//! One program, analysed: what all answers are drawn from.

use super::overlay::Overlay;
use super::seen::ProjectLog;
use super::uri::uri_of;
use crate::diag::{Code, Diagnostic, Levels, Report, Severity};
use crate::model::{Entity, Model, Reference, Role};
use crate::session::{
    CONFIG_NAME, Everywhere, FileSystem, Named, Project, SeenInLog, Session, Settings, UnenforcedRest,
};
use crate::source::{Encoding, FileId, Lines, Span};
use crate::syntax::{Node, NodeKind, Tree};
use lsp_types::{Location, Position, Range, Uri};
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// What makes a program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// The folder of a `polder.toml`.
    Project(PathBuf),
    /// A document that belongs to no project.
    Lone(PathBuf),
}

/// A place in a file of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileSpot {
    /// The file.
    pub file: FileId,
    /// The byte.
    pub offset: usize,
}

/// A program as it is now.
pub(super) struct Program {
    session: Session,
    levels: Levels,
    encoding: Encoding,
    /// The address of each source; `None` for the catalogue's.
    uris: Vec<Option<Uri>>,
    /// The editor's version of each source that is open.
    versions: Vec<Option<i32>>,
    files: HashMap<PathBuf, FileId>,
    lines: Vec<OnceCell<Lines>>,
    places: OnceCell<BTreeMap<Entity, Vec<Reference>>>,
    reports: OnceCell<Vec<Report>>,
    log: Option<Rc<ProjectLog>>,
    seen: OnceCell<Option<SeenInLog>>,
    dropped: OnceCell<Vec<Report>>,
    /// Where what is about no source is shown.
    root: Uri,
}

impl Program {
    /// Reads a program. What has not changed since `before` is not parsed again. `open` has the addresses and the
    /// versions of open documents, which are those of the editor.
    pub(super) fn load(
        key: &Key,
        overlay: &Overlay,
        open: &BTreeMap<PathBuf, (Uri, i32)>,
        encoding: Encoding,
        before: Option<Program>,
    ) -> Program {
        let (project, root) = match key {
            Key::Project(root) => (Project::load(overlay, root, &[]), root.join(CONFIG_NAME)),
            Key::Lone(path) => {
                let folder = path.parent().unwrap_or(path);
                (Project::load(overlay, folder, &[Named::Path(path.clone())]), path.clone())
            }
        };
        let mut levels = Levels::default();
        for (code, level) in &project.config.levels {
            // A code that there is not has been reported where it stands.
            let _ = levels.set(code, *level);
        }
        let settings = Settings {
            environment: project.config.environment.clone(),
            layout: project.config.layout.unwrap_or_default(),
            target: project.config.target.unwrap_or_default(),
            kustomize: project.config.kustomize.unwrap_or_default(),
            references: true,
            enforce: None,
            rest: UnenforcedRest::None,
        };
        let log_before = before.as_ref().and_then(|before| before.log.clone());
        let log = ProjectLog::of(&project, overlay, log_before);
        let session = match before {
            Some(before) => before.session.again(project, settings),
            None => Session::new(project, settings),
        };
        let project = session.project();
        let config = project.root.as_ref().map(|root| root.join(CONFIG_NAME));
        let path = |(id, file): (FileId, &crate::source::SourceFile)| {
            if file.built_in {
                return None;
            }
            match project.files.iter().position(|known| *known == id) {
                Some(index) => project.paths.get(index).cloned().flatten(),
                None => match project.refused.iter().find(|(known, _)| *known == id) {
                    Some((_, path)) => path.clone(),
                    None => config.clone(),
                },
            }
        };
        let paths: Vec<Option<PathBuf>> = session.sources().files().map(path).collect();
        let identities: Vec<Option<PathBuf>> =
            paths.iter().map(|path| path.as_ref().map(|path| overlay.identity(path))).collect();
        let uri =
            |path: &Path, identity: &Path| open.get(identity).map_or_else(|| uri_of(path), |(uri, _)| uri.clone());
        let version = |path: &Option<PathBuf>| open.get(path.as_ref()?).map(|(_, version)| *version);
        let uris = paths.iter().zip(&identities).map(|(path, identity)| Some(uri(path.as_ref()?, identity.as_ref()?)));
        let ids = session.sources().files().map(|(id, _)| id);
        Program {
            uris: uris.collect(),
            versions: identities.iter().map(version).collect(),
            files: identities.iter().zip(ids).filter_map(|(path, id)| Some((path.clone()?, id))).collect(),
            lines: paths.iter().map(|_| OnceCell::new()).collect(),
            levels,
            encoding,
            places: OnceCell::new(),
            reports: OnceCell::new(),
            log,
            seen: OnceCell::new(),
            dropped: OnceCell::new(),
            root: uri(&root, &overlay.identity(&root)),
            session,
        }
    }

    /// The stages.
    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// What it declares; `None` while a file cannot be read.
    pub(super) fn model(&self) -> Option<&Model> {
        self.session.model()
    }

    /// What is to be said about it.
    pub(super) fn reports(&self) -> &[Report] {
        self.reports.get_or_init(|| {
            let reports = self.session.findings(&self.levels);
            // While something is wrong anyway, that is what is being written.
            match reports.iter().any(|report| report.severity == Severity::Error) {
                true => reports,
                false => self.everywhere(reports),
            }
        })
    }

    /// What it would do with the log of the project; `None` without one, and while the program has errors.
    pub(super) fn seen(&self) -> Option<&SeenInLog> {
        let judge = || self.log.as_ref()?.log().ok()?.seen(&self.session);
        self.seen.get_or_init(judge).as_ref()
    }

    /// Whether the project keeps a log.
    pub(super) fn has_log(&self) -> bool {
        self.log.is_some()
    }

    /// The same where it was found out already.
    pub(super) fn seen_so_far(&self) -> Option<&SeenInLog> {
        self.seen.get()?.as_ref()
    }

    /// What is to be said about the log: connections that would be dropped, or why it cannot be read.
    pub(super) fn reports_of_log(&self) -> &[Report] {
        self.dropped.get_or_init(|| {
            let Some(log) = &self.log else { return Vec::new() };
            if let (Err(why), Some(at)) = (log.log(), self.session.project().config.replay.log_at) {
                let help = "`polder replay LOG --save FILE` writes one, or leave out the entry";
                return vec![Report::from(Diagnostic::new(Code::E0403, at, why).with_help(help))];
            }
            let dropped = self.seen().map(|seen| seen.dropped.as_slice()).unwrap_or_default();
            let dropped = dropped.iter().map(|one| one.diagnostic.clone()).collect();
            let allows: Vec<_> = self.session.trees().iter().flat_map(|tree| tree.allows.iter().cloned()).collect();
            let mut reports = self.levels.apply(dropped, &allows);
            // Comments without effect are told of the program.
            reports.retain(|report| report.diagnostic.code == Code::W0313);
            reports
        })
    }

    /// What is said of the environment that the program is shown for, with what is said of the others.
    fn everywhere(&self, reports: Vec<Report>) -> Vec<Report> {
        let own = self.session.settings().environment.clone();
        let mut all = Everywhere::new(own.clone(), reports);
        for name in self.session.environments().iter().filter(|name| Some(*name) != own.as_ref()) {
            let settings =
                Settings { environment: Some(name.clone()), references: false, ..self.session.settings().clone() };
            let session = Session::new(self.session.project().clone(), settings);
            all.add(Some(name.clone()), session.findings(&self.levels));
        }
        all.reports(true)
    }

    /// The file of a path, which is an identity.
    pub(super) fn file(&self, path: &Path) -> Option<FileId> {
        self.files.get(path).copied()
    }

    /// The text of a file.
    pub(super) fn text(&self, file: FileId) -> &str {
        self.session.sources().file(file).map_or("", |file| file.text.as_str())
    }

    /// The text of a span.
    pub(super) fn span_text(&self, span: Span) -> &str {
        self.session.sources().text(span)
    }

    /// The tree of a file.
    pub(super) fn tree(&self, file: FileId) -> Option<&Tree> {
        self.session.trees().iter().find(|tree| tree.file == file)
    }

    /// How the editor counts columns.
    pub(super) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The lines of a file.
    pub(super) fn lines(&self, file: FileId) -> Option<&Lines> {
        Some(self.lines.get(file.index())?.get_or_init(|| Lines::new(self.text(file))))
    }

    /// The address of a file; `None` for the catalogue's.
    pub(super) fn uri(&self, file: FileId) -> Option<&Uri> {
        self.uris.get(file.index())?.as_ref()
    }

    /// The editor's version of a file; `None` when it is not open.
    pub(super) fn version(&self, file: FileId) -> Option<i32> {
        self.versions.get(file.index()).copied().flatten()
    }

    /// Where what is about no source is shown.
    pub(super) fn root(&self) -> &Uri {
        &self.root
    }

    /// Whether a file is the user's.
    pub(super) fn is_own(&self, file: FileId) -> bool {
        self.uri(file).is_some()
    }

    /// A byte as the protocol counts.
    pub(super) fn position(&self, file: FileId, offset: usize) -> Position {
        let Some(lines) = self.lines(file) else { return Position::default() };
        let (line, column) = lines.position(self.text(file), offset, self.encoding);
        position(line, column)
    }

    /// A span as the protocol counts.
    pub(super) fn range(&self, span: Span) -> Range {
        Range { start: self.position(span.file, span.start as usize), end: self.position(span.file, span.end as usize) }
    }

    /// A span with its file; `None` in the catalogue.
    pub(super) fn location(&self, span: Span) -> Option<Location> {
        Some(Location { uri: self.uri(span.file)?.clone(), range: self.range(span) })
    }

    /// A place of the protocol as a byte.
    pub(super) fn offset(&self, file: FileId, at: Position) -> usize {
        let Some(lines) = self.lines(file) else { return 0 };
        lines.offset(self.text(file), at.line as usize, at.character as usize, self.encoding)
    }

    /// What the places of a file refer to, in order.
    pub(super) fn references_in(&self, file: FileId) -> &[Reference] {
        let all = self.model().map(|model| model.references.as_slice()).unwrap_or_default();
        let start = all.partition_point(|one| one.span.file < file);
        let end = all.partition_point(|one| one.span.file <= file);
        all.get(start..end).unwrap_or_default()
    }

    /// The references that a spot is in or right behind.
    pub(super) fn references_at(&self, spot: FileSpot) -> &[Reference] {
        let all = self.references_in(spot.file);
        let touches = |one: &Reference| one.span.start as usize <= spot.offset && spot.offset <= one.span.end as usize;
        let end = all.partition_point(|one| one.span.start as usize <= spot.offset);
        let Some(last) = all.get(..end).and_then(|before| before.iter().rev().take(2).find(|one| touches(one))) else {
            return &[];
        };
        let start = all.partition_point(|one| one.span < last.span);
        let end = all.partition_point(|one| one.span <= last.span);
        all.get(start..end).unwrap_or_default()
    }

    /// The places that refer to something, in order.
    pub(super) fn places(&self, entity: Entity) -> &[Reference] {
        let places = self.places.get_or_init(|| {
            let mut places: BTreeMap<Entity, Vec<Reference>> = BTreeMap::new();
            for reference in self.model().into_iter().flat_map(|model| &model.references) {
                places.entry(reference.entity).or_default().push(*reference);
            }
            places
        });
        places.get(&entity).map(Vec::as_slice).unwrap_or_default()
    }

    /// Something and what is declared with it by the same name: a block of several namespaces declares each thing in all of
    /// them.
    pub(super) fn together(&self, entity: Entity) -> Vec<Entity> {
        let declared = self.places(entity).iter().find(|one| one.role == Role::Declares);
        let Some(span) = declared.map(|one| one.span) else { return vec![entity] };
        let all = self.references_in(span.file);
        let start = all.partition_point(|one| one.span < span);
        let same = all.iter().skip(start).take_while(|one| one.span == span);
        same.map(|one| one.entity).collect()
    }

    /// Where something is declared: the names. Of what a component declares, the `use` that brings it.
    pub(super) fn declarations(&self, entity: Entity) -> Vec<Span> {
        let declares = |one: &&Reference| one.role == Role::Declares;
        let spans: Vec<Span> = self.places(entity).iter().filter(declares).map(|one| one.span).collect();
        let (own, built_in): (Vec<Span>, Vec<Span>) = spans.into_iter().partition(|span| self.is_own(span.file));
        if !own.is_empty() {
            return own;
        }
        if let Entity::Component(_) = entity {
            return self.places(entity).iter().map(|one| one.span).collect();
        }
        built_in.iter().flat_map(|span| self.uses_of(span.file)).collect()
    }

    /// The names in `use` that bring a file of the catalogue.
    pub(super) fn uses_of(&self, file: FileId) -> Vec<Span> {
        let Some(path) = self.session.sources().file(file).map(|file| file.path.as_str()) else { return Vec::new() };
        let nodes = self.session.trees().iter().flat_map(|tree| &tree.nodes);
        let names = nodes.filter_map(|node| match &node.kind {
            NodeKind::Use(names) => Some(names),
            _ => None,
        });
        let brings = |span: &Span| path == format!("catalogue/{}.polder", self.span_text(*span));
        names.flatten().map(|name| name.span).filter(brings).collect()
    }

    /// The innermost statement that holds a byte, and the block around it. Of a block, its first line counts.
    pub(super) fn node_at(&self, spot: FileSpot) -> Option<(&Node, Option<&Node>)> {
        let holds = |node: &Node| node.span.start as usize <= spot.offset && spot.offset <= node.span.end as usize;
        for node in &self.tree(spot.file)?.nodes {
            if holds(node) {
                return Some((node, None));
            }
            if let Some(child) = node.children().iter().find(|child| holds(child)) {
                return Some((child, Some(node)));
            }
        }
        None
    }
}

/// A place as the protocol writes it.
pub(super) fn position(line: usize, column: usize) -> Position {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Position { line: number(line), character: number(column) }
}
