//! What each JSON that a command prints holds. The schemas are made of these types, and what is printed is read into them.

// What is described is never asked for its parts.
#![allow(dead_code)]

use super::{Nullable, Schema};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Defines documents and what they hold: no other members than these, and all of them.
macro_rules! objects {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => { $(
        $(#[$doc])*
        #[derive(Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name { $($(#[$field_doc])* $field: $type,)* }
    )* };
}

/// Defines the words that a member may be.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($word:ident),* })*) => { $(
        $(#[$doc])*
        #[derive(Deserialize, JsonSchema)]
        #[serde(rename_all = "lowercase")]
        pub(super) enum $name { $($word),* }
    )* };
}

words! {
    DrawnKind { Pods, Many, Addresses, Internet }
    DrawnFor { All, Some, Unknown }
    /// Of whom of two endpoints it is so: of `all` pods and addresses, or of `some`; `unknown`: of some it is not known;
    /// `perhaps`: it may be so of pods that belong to them only if their namespaces have labels that nobody stated.
    Certainty { All, Some, Unknown, Perhaps }
    /// An answer; `unknown` where a fact is missing.
    Answer { Yes, No, Unknown }
    Says { Allowed, Denied, Unknown }
    Severity { Error, Warning, Note }
    Verdict { Pass, Fail, Unknown }
    Protocol { Tcp, Udp, Sctp, Other }
    Direction { Ingress, Egress }
    Way { To, From }
    Share { No, Partly, Yes }
    DriftWord { Missing, Changed, Left, Foreign, Needless }
    /// What a rule of the whole cluster does.
    RulingWord { Accept, Deny, Pass }
    Difference { Added, Removed, Changed }
    Isolated { Lifted, Introduced }
    OriginKind { Policy, Statement }
    FlowKind { Flow, Dns }
    EndKind { Tier, Workload, Pods, Dns, Addresses, Asked }
    EditKind { Line, Port, Flow }
    SeenInLog { Passed, Audited, Refused, Unanswered }
    ReplayChange { Dropped, Opened, Unknown, Same }
    Carried { Annotation, Label }
    Trust { Sure, Likely, Guess }
}

/// Those that no policy isolates.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Only {
    NotIsolated,
}

/// What kind of question manifests leave open.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum NotKnownKind {
    Apiserver,
    Front,
    Port,
    NotGiven,
    Outside,
    Secret,
    Nodes,
    Nowhere,
}

/// Why a connection is not tried.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum WhyNotProbed {
    Chain,
    NoSource,
    NoDestination,
    NoPort,
    Itself,
    Allowed,
    Refused,
    Unclear,
    NobodyElse,
    NothingElse,
}

/// To whom a connection is tried.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum ProbedDestination {
    Pods(ProbedPods),
    Address(ProbedAddress),
}

/// A value of a setting: a word, a switch or codes; `null` where there is none.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Setting {
    Word(String),
    Switch(bool),
    Codes(Vec<String>),
}

objects! {
    /// Ports of a protocol: a range of numbers, the ends included, or a name. `other` stands for all that is neither TCP nor
    /// UDP nor SCTP.
    Ports {
        protocol: Protocol,
        port: Option<u16>,
        end_port: Option<u16>,
        name: Option<String>,
    }
    /// A place in a file; lines and columns count from 1.
    Place {
        path: String,
        line: usize,
        column: usize,
    }
    /// A kind of objects that is not understood.
    Kind {
        kind: String,
        api_version: String,
    }
    /// What could not be read.
    Unread {
        what: String,
        path: String,
        line: usize,
    }
    Pair {
        source: String,
        destination: String,
    }

    /// What is wrong with a program or with policies.
    Diagnostics {
        schema: Schema,
        diagnostics: Vec<Diagnostic>,
    }
    Diagnostic {
        /// See `polder explain CODE`.
        code: String,
        severity: Severity,
        title: String,
        message: String,
        help: Nullable<String>,
        labels: Vec<Label>,
    }
    /// A place that a diagnostic is about. Lines and columns count from 1, columns in Unicode scalar values; `start` and `end`
    /// are offsets into the UTF-8 text, from 0, the end being the byte after the last.
    Label {
        path: String,
        line: usize,
        column: usize,
        end_line: usize,
        end_column: usize,
        start: usize,
        end: usize,
        text: Nullable<String>,
    }

    Version {
        schema: Schema,
        version: String,
        target: String,
    }

    /// The settings in force.
    Config {
        schema: Schema,
        file: Nullable<String>,
        settings: Vec<SettingInForce>,
    }
    SettingInForce {
        name: String,
        value: Nullable<Setting>,
        place: Nullable<Line>,
    }
    Line {
        path: String,
        line: usize,
    }

    /// The order in which what is not enforced yet can be.
    Rollout {
        schema: Schema,
        logs: Vec<String>,
        /// How many lines they have; `null` without a log.
        lines: Nullable<u64>,
        first: Nullable<String>,
        last: Nullable<String>,
        /// The list of what is enforced already.
        enforced: Vec<String>,
        steps: Vec<NextStep>,
        /// How many of them, from the first on, drop nothing that the log shows.
        clear: usize,
        notes: Vec<String>,
        chosen: Nullable<ChosenSteps>,
    }
    NextStep {
        /// The entry of an `enforce` list.
        enforce: String,
        namespace: String,
        tier: Nullable<String>,
        direction: Direction,
        /// How many tiers it closes.
        tiers: usize,
        /// Whether it closes pods of no tier, too.
        other_pods: bool,
        /// The groups of connections of the log that passed and have an end there; `null` without a log.
        seen: Nullable<usize>,
        drops: Nullable<usize>,
        unknown: Nullable<usize>,
        example: Nullable<String>,
    }
    /// The steps that `--step` names.
    ChosenSteps {
        first: usize,
        last: usize,
        /// The list that enforces them, too.
        enforce: Vec<String>,
        isolated: Vec<IsolatedPods>,
    }
    IsolatedPods {
        pods: Vec<String>,
        directions: Vec<Direction>,
    }

    /// How far a program is enforced. A side is a direction of a namespace.
    RolloutStep {
        /// The entries of the list.
        list: Vec<String>,
        /// Whether `polder.toml` has them.
        configured: bool,
        /// The sides that the program isolates.
        sides: usize,
        /// Those of which all is enforced.
        whole: usize,
        /// Those of which a part is.
        in_part: usize,
    }

    /// What the assertions of a program come to.
    Test {
        schema: Schema,
        /// The step of a roll-out that it is about; left out where it is about the whole program, or about manifests.
        enforced: Option<RolloutStep>,
        passed: usize,
        failed: usize,
        unknown: usize,
        assertions: Vec<Assertion>,
    }
    Assertion {
        statement: String,
        doc: Nullable<String>,
        path: String,
        line: usize,
        verdict: Verdict,
        message: Nullable<String>,
        help: Nullable<String>,
    }

    /// Connections to try in a cluster.
    Probes {
        schema: Schema,
        /// The step of a roll-out that it is about; left out where it is about the whole program.
        enforced: Option<RolloutStep>,
        /// Whether nothing that changes what is allowed was left out.
        complete: bool,
        unmodelled: Vec<Kind>,
        unread: Vec<Unread>,
        probes: Vec<ProbedConnection>,
        /// How many ephemeral containers stay in the pods of each end.
        containers: Vec<LeftContainers>,
        left: Vec<NotProbed>,
        /// How many connections more there are than were asked for.
        rest: usize,
    }
    ProbedConnection {
        name: String,
        /// Whether it has to pass.
        passes: bool,
        protocol: Protocol,
        port: u16,
        source: ProbedPods,
        destination: ProbedDestination,
        /// What it shows to be enforced; nothing of one that is only a control.
        statements: Vec<ProbedStatement>,
        /// The names of the two that have to pass, of one that has to be refused.
        controls: Nullable<Vec<String>>,
    }
    ProbedPods {
        kind: String,
        namespace: String,
        name: String,
        /// Of a pod that is named itself, where it is known.
        address: Nullable<String>,
    }
    LeftContainers {
        of: ProbedPods,
        count: usize,
    }
    ProbedAddress {
        address: String,
    }
    ProbedStatement {
        statement: String,
        path: String,
        line: usize,
    }
    NotProbed {
        statement: ProbedStatement,
        from: Nullable<String>,
        to: Nullable<String>,
        protocol: Nullable<Protocol>,
        port: Nullable<u16>,
        reason: WhyNotProbed,
        because: String,
    }

    /// A picture of what is allowed, or of what differs.
    Graph {
        schema: Schema,
        /// What stands above a comparison.
        verdict: Nullable<String>,
        /// What there is to know beside the picture.
        notes: Vec<String>,
        namespaces: Vec<DrawnNamespace>,
        nodes: Vec<DrawnNode>,
        edges: Vec<DrawnEdge>,
    }
    DrawnNamespace {
        id: String,
        name: String,
        /// How far its pods are isolated, in words; `null` where that is not told.
        isolation: Nullable<String>,
        /// What is inside, where that is not drawn.
        folded: Nullable<FoldedAway>,
    }
    FoldedAway {
        nodes: usize,
        edges: usize,
    }
    DrawnNode {
        id: String,
        /// The whole name.
        name: String,
        kind: DrawnKind,
        /// The namespace that it is in, by its id.
        namespace: Nullable<String>,
        /// What kind of workload it is, or how far it is isolated where that differs from its namespace.
        beside: String,
    }
    DrawnEdge {
        id: String,
        /// Who connects: the id of a node, or of a namespace for all of its pods.
        from: String,
        /// To whom.
        to: String,
        /// The ports as they stand beside the edge.
        ports: String,
        /// All that is known of it.
        detail: String,
        certainty: DrawnFor,
        change: Nullable<Difference>,
    }

    /// What can be asked about.
    Names {
        schema: Schema,
        names: Vec<String>,
    }

    /// Whether something is allowed.
    Can {
        schema: Schema,
        /// The step of a roll-out that it is about; left out where it is about the whole program, or about manifests.
        enforced: Option<RolloutStep>,
        complete: bool,
        unmodelled: Vec<Kind>,
        unread: Vec<Unread>,
        from: String,
        to: String,
        ports: Vec<Ports>,
        answer: Answer,
        notes: Vec<String>,
        allowed: Nullable<Pair>,
        over: Nullable<Over>,
        denied: Nullable<OnPorts>,
        unknown: Nullable<Doubt>,
    }
    Over {
        example: Pair,
        family: String,
    }
    OnPorts {
        example: Pair,
        ports: Vec<Ports>,
    }
    Doubt {
        example: Pair,
        ports: Vec<Ports>,
        missing: String,
    }

    /// Who reaches whom.
    Reach {
        schema: Schema,
        /// The step of a roll-out that it is about; left out where it is about the whole program, or about manifests.
        enforced: Option<RolloutStep>,
        complete: bool,
        unmodelled: Vec<Kind>,
        unread: Vec<Unread>,
        /// Whether pods are matched by their addresses; `null` where nobody said.
        ipblock_matches_pods: Nullable<bool>,
        /// All that can be a source or a destination.
        endpoints: Vec<Endpoint>,
        /// What stands for several endpoints in connections.
        sets: Vec<EndpointSet>,
        /// All that is allowed or may be. Of two endpoints that is so which any connection says that has both; everything else
        /// is denied.
        connections: Vec<Connection>,
        not_given: Vec<NotGiven>,
        notes: Vec<String>,
        outside: Vec<Outside>,
        split: Vec<String>,
    }
    Endpoint {
        name: String,
        /// The name that connections and sets have it by: that of the first of those whom no policy tells apart from it.
        listed_as: String,
        kind: EndKind,
        namespace: Nullable<String>,
        addresses: Nullable<Vec<String>>,
        isolated: BothSides,
    }
    BothSides {
        ingress: Nullable<Share>,
        egress: Nullable<Share>,
    }
    EndpointSet {
        name: String,
        /// As `listed_as` has them.
        endpoints: Vec<String>,
    }
    /// What is so of every source with every destination.
    Connection {
        /// Endpoints, as `listed_as` has them, and sets.
        sources: Vec<String>,
        destinations: Vec<String>,
        ports: Vec<Ports>,
        certainty: Certainty,
        /// What nobody said: why it is not known, or of whom it may not be so.
        missing: Nullable<String>,
        /// Two pods or addresses of which it is so, or not known.
        example: Nullable<Pair>,
    }
    /// What is allowed with pods of which none was given.
    NotGiven {
        direction: Direction,
        pods: Vec<String>,
        others: String,
        only: Nullable<Only>,
        perhaps: bool,
        ports: Vec<Ports>,
    }
    Outside {
        name: String,
        reason: String,
    }

    /// Who is reached, step after step.
    Blast {
        schema: Schema,
        /// The step of a roll-out that it is about; left out where it is about the whole program, or about manifests.
        enforced: Option<RolloutStep>,
        complete: bool,
        unmodelled: Vec<Kind>,
        unread: Vec<Unread>,
        start: String,
        direction: Way,
        steps: Vec<Step>,
        dns: Nullable<DnsStep>,
        stops_at_dns: bool,
        not_given: Vec<NotGiven>,
        overlapping: Vec<String>,
        counted: String,
        reached: usize,
        perhaps_reached: usize,
        of: usize,
        internet: bool,
        perhaps_internet: bool,
    }
    Step {
        id: usize,
        before: Nullable<usize>,
        hops: usize,
        names: Vec<String>,
        same_names_as: Nullable<usize>,
        ports: Vec<Ports>,
        unknown_ports: Vec<Ports>,
        onward_isolated: bool,
        repeated: bool,
    }
    DnsStep {
        hops: usize,
        names: Vec<String>,
        ports: Vec<Ports>,
        unknown_ports: Vec<Ports>,
    }

    /// Why something is allowed, or not.
    Why {
        schema: Schema,
        /// The step of a roll-out that it is about; left out where it is about the whole program, or about manifests.
        enforced: Option<RolloutStep>,
        complete: bool,
        unmodelled: Vec<Kind>,
        unread: Vec<Unread>,
        from: String,
        to: String,
        ports: Vec<Ports>,
        answer: Says,
        about: About,
        unlike: Nullable<Ends>,
        over: Nullable<String>,
        same_pod: bool,
        allowed_ports: Vec<Ports>,
        egress: Side,
        ingress: Side,
        missing: Vec<String>,
        notes: Vec<String>,
        near: Vec<NearFlow>,
        forbidden_by: Vec<Forbidden>,
        mend: Nullable<Mend>,
    }
    About {
        source: End,
        destination: End,
        ports: Vec<Ports>,
    }
    Ends {
        source: End,
        destination: End,
    }
    End {
        names: Vec<String>,
        example: String,
    }
    Side {
        subject: End,
        answer: Says,
        /// The rules of the whole cluster that are or may be about the ports, in the order in which they decide.
        rulings: Vec<Ruling>,
        isolated: bool,
        isolated_by: Vec<IsolatedBy>,
        policies: Vec<PlacedPolicy>,
        allowed_by: Vec<Flow>,
        rules: Vec<Rule>,
        near: Vec<NearRule>,
    }
    Ruling {
        policy: String,
        path: String,
        place: Nullable<Place>,
        action: RulingWord,
        ports: Vec<Ports>,
        sure: bool,
    }
    IsolatedBy {
        namespace: String,
        statement: Nullable<String>,
        place: Nullable<Place>,
    }
    PlacedPolicy {
        policy: String,
        place: Nullable<Place>,
    }
    Flow {
        kind: FlowKind,
        statement: String,
        namespace: Option<String>,
        place: Nullable<Place>,
    }
    Rule {
        policy: String,
        path: String,
        place: Nullable<Place>,
        ports: Vec<Ports>,
        sure: bool,
    }
    NearRule {
        policy: String,
        path: String,
        place: Nullable<Place>,
        wrong: String,
        detail: Value,
    }
    NearFlow {
        allows: Flow,
        wrong: String,
        detail: Value,
    }
    Forbidden {
        statement: String,
        place: Nullable<Place>,
    }
    /// What would allow it: policies, or edits of the program.
    Mend {
        policies: Option<Vec<MendPolicy>>,
        edits: Option<Vec<MendEdit>>,
        /// What nobody said, on which it still depends with the edits.
        missing: Option<Vec<String>>,
    }
    MendPolicy {
        policy: String,
        direction: Direction,
        manifest: String,
    }
    MendEdit {
        kind: EditKind,
        namespace: Option<String>,
        tier: Option<String>,
        /// The flow in whose place it stands.
        flow: Option<String>,
        place: Nullable<Place>,
        text: String,
    }

    /// What two versions allow differently.
    Diff {
        schema: Schema,
        /// How far each version is enforced; left out where that is all of it.
        old_enforced: Option<RolloutStep>,
        new_enforced: Option<RolloutStep>,
        same: bool,
        wider: bool,
        narrower: bool,
        complete: bool,
        unmodelled: Vec<Kind>,
        unread: Vec<Unread>,
        revision: Nullable<String>,
        new_revision: Nullable<String>,
        isolation: Vec<Isolation>,
        connections: Vec<ChangedConnection>,
        sides: Option<bool>,
        same_connections: Option<bool>,
        /// Where the newer version is a cluster: the policies that are not as they should be.
        drift: Option<Vec<DriftOfPolicy>>,
        /// Where the newer version is a cluster: the namespaces that it does not have.
        absent_namespaces: Option<Vec<AbsentNamespace>>,
        /// Where the newer version is a cluster: policies of Polder's in namespaces that are not managed.
        of_other_programs: Option<Vec<OfOtherProgram>>,
    }
    DriftOfPolicy {
        namespace: String,
        /// The kind of the object.
        kind: String,
        name: String,
        drift: DriftWord,
        /// Whether Polder looks after it.
        ours: bool,
        wider: bool,
        narrower: bool,
    }
    AbsentNamespace {
        namespace: String,
        policies: u64,
    }
    OfOtherProgram {
        namespace: String,
        name: String,
    }
    Isolation {
        change: Isolated,
        directions: Vec<Direction>,
        pods: Vec<String>,
        origins: Vec<Origin>,
        instead: Vec<Origin>,
    }
    ChangedConnection {
        change: Difference,
        sources: Vec<String>,
        destinations: Vec<String>,
        added: ChangedPorts,
        removed: ChangedPorts,
        partly: bool,
        missing: Vec<String>,
        old_origins: Vec<Origin>,
        new_origins: Vec<Origin>,
        instead: Vec<Origin>,
        side: Option<Direction>,
    }
    ChangedPorts {
        ports: Vec<Ports>,
        perhaps: Vec<Ports>,
    }
    Origin {
        kind: OriginKind,
        text: String,
        path: Nullable<String>,
        line: Nullable<usize>,
        column: Nullable<usize>,
    }

    /// A program out of what is deployed, and what shows its flows.
    Init {
        schema: Schema,
        /// The files that were written.
        files: Vec<String>,
        tiers: Vec<InferredTier>,
        flows: Vec<InferredFlow>,
        /// What was read does not say, by namespace and tier.
        not_known: Vec<NotKnown>,
        /// What runs pods and is no tier.
        no_tier: Vec<NoTier>,
        /// Flows that the program would not compile with.
        left_out: Vec<LeftOutFlow>,
        /// The namespaces of the system, which stay as they are.
        not_managed: Vec<String>,
        /// How many workloads name no namespace.
        without_namespace: usize,
        unread: Vec<Unread>,
        /// How many kinds of connections passed in the flow logs and have no flow; `null` without a log.
        dropped: Nullable<usize>,
        /// How many NetworkPolicies were passed over.
        policies: usize,
        notes: Vec<String>,
        next_steps: Vec<String>,
    }
    InferredTier {
        namespace: String,
        name: String,
        selector: String,
        /// What runs its pods, as kind and name.
        workloads: Vec<String>,
        ports: Vec<InferredPort>,
    }
    InferredPort {
        name: String,
        protocol: Protocol,
        port: u16,
        /// What says that it is there, where no container lists it.
        from: Nullable<String>,
    }
    InferredFlow {
        /// The namespace in whose block it stands.
        namespace: String,
        statement: String,
        source: String,
        destination: String,
        protocol: Protocol,
        port: u16,
        trust: Trust,
        /// What shows it.
        evidence: Vec<String>,
        /// How often the flow logs have it; `null` where they do not, or none were given.
        seen: Nullable<u64>,
    }
    NotKnown {
        namespace: String,
        tier: Nullable<String>,
        kind: NotKnownKind,
        /// What it is about, such as a host.
        about: String,
        message: String,
    }
    NoTier {
        what: String,
        reason: String,
    }
    LeftOutFlow {
        statement: String,
        reason: String,
    }

    /// A program that means the same as policies, and what became of each.
    Import {
        schema: Schema,
        program: Nullable<String>,
        files: Vec<String>,
        namespaces: Vec<String>,
        lifted: Vec<Lifted>,
        refused: Vec<Refused>,
        not_looked_at: Vec<NotLookedAt>,
        not_carried: Vec<NotCarried>,
        lost_comments: Vec<String>,
        findings: Vec<Finding>,
        overwritten: Vec<String>,
        next_steps: Vec<String>,
        summary: String,
    }
    Lifted {
        namespace: String,
        name: String,
        path: String,
        line: usize,
        statements: Vec<String>,
    }
    Refused {
        what: String,
        reason: String,
        path: String,
        line: usize,
    }
    NotLookedAt {
        kind: String,
        api_version: String,
        namespace: String,
        name: String,
        path: String,
        line: usize,
    }
    NotCarried {
        what: Carried,
        key: String,
        policies: usize,
        decides: bool,
    }
    Finding {
        kind: String,
        policy: Nullable<String>,
        path: String,
        line: usize,
        statement: Nullable<String>,
        message: String,
    }

    /// What policies would do with the connections of flow logs.
    Replay {
        schema: Schema,
        /// The step of a roll-out that it is about; left out where it is about the whole program, or about manifests.
        enforced: Option<RolloutStep>,
        complete: bool,
        unmodelled: Vec<Kind>,
        unread: Vec<Unread>,
        logs: Vec<String>,
        formats: Vec<String>,
        lines: u64,
        lost: u64,
        first: Nullable<String>,
        last: Nullable<String>,
        changes: ReplayChanges,
        hidden_labels: Vec<String>,
        notes: Vec<String>,
        groups: Vec<ReplayGroup>,
        left_out: Vec<LeftOutLines>,
    }
    ReplayChanges {
        dropped: u64,
        opened: u64,
        unknown: u64,
        same: u64,
    }
    LeftOutLines {
        reason: String,
        lines: LoggedLines,
    }
    /// How many lines, and the first of them.
    LoggedLines {
        count: u64,
        first: Vec<LoggedLine>,
    }
    LoggedLine {
        log: String,
        line: u64,
    }
    /// Connections that are alike.
    ReplayGroup {
        from: String,
        to: String,
        port: String,
        seen: SeenInLog,
        candidate: Says,
        change: ReplayChange,
        attempts: u64,
        only_established: bool,
        refusals: u64,
        same_pod: bool,
        first: Nullable<String>,
        last: Nullable<String>,
        lines: LoggedLines,
        reason: Nullable<String>,
        because: Nullable<String>,
        allowed_by: Vec<ReplayStatement>,
        nearly_by: Vec<NearStatement>,
        breaks: Vec<ReplayStatement>,
        /// Where staged policies, as the log has it, would do something else than the candidate.
        staged: Vec<String>,
        write: Vec<ReplayEdit>,
        service: Nullable<String>,
        names: Vec<String>,
        addresses: Vec<String>,
        address_count: usize,
        sample: Nullable<ReplaySample>,
    }
    ReplayStatement {
        statement: String,
        place: Nullable<Line>,
    }
    NearStatement {
        statement: String,
        place: Nullable<Line>,
        wrong: Nullable<String>,
    }
    ReplayEdit {
        kind: EditKind,
        namespace: Option<String>,
        tier: Option<String>,
        /// The flow in whose place it stands.
        flow: Option<String>,
        place: Nullable<Line>,
        text: String,
    }
    ReplaySample {
        time: Nullable<String>,
        source: ReplayEnd,
        destination: ReplayEnd,
    }
    ReplayEnd {
        pod: Nullable<String>,
        address: Nullable<String>,
    }

    /// The flows that a program lacks for what flow logs have seen.
    Learn {
        schema: Schema,
        complete: bool,
        unmodelled: Vec<Kind>,
        unread: Vec<Unread>,
        logs: Vec<String>,
        formats: Vec<String>,
        lines: u64,
        lost: u64,
        first: Nullable<String>,
        last: Nullable<String>,
        /// The flows that are added.
        proposed: Vec<ProposedFlow>,
        /// What passed and would be dropped, and of which nothing is learned.
        left: Vec<NotLearned>,
        /// A unified diff of the program's files.
        patch: String,
        /// The files that change, as they are afterwards.
        files: Vec<LearnedFile>,
        /// Whether they were written.
        written: bool,
    }
    ProposedFlow {
        file: String,
        namespace: Nullable<String>,
        flow: String,
        /// What is declared for it: lists of addresses, tiers, ports of tiers.
        declares: Vec<String>,
        /// The list at one end, where it has more addresses than were seen.
        wider: Nullable<WiderList>,
        groups: Vec<LearnedGroup>,
    }
    WiderList {
        name: String,
        addresses: u64,
        /// How many of them were seen.
        seen: u64,
    }
    NotLearned {
        group: LearnedGroup,
        /// Why, in one word.
        reason: String,
        /// Why, in a sentence.
        because: String,
    }
    LearnedGroup {
        from: String,
        to: String,
        port: String,
        seen: SeenInLog,
        attempts: u64,
        first: Nullable<String>,
        last: Nullable<String>,
        names: Vec<String>,
        addresses: Vec<String>,
    }
    LearnedFile {
        path: String,
        text: String,
    }

    /// What `lint` does not tell again: the file of `--write-baseline`.
    LintBaseline {
        schema: Schema,
        findings: Vec<Known>,
    }
    Known {
        code: String,
        object: String,
        text: String,
        count: usize,
    }
}

objects! {
    /// What an auditor looks at: `polder report`.
    Report {
        schema: Schema,
        /// The version of Polder that made it.
        polder: String,
        title: String,
        /// The day that was asked for.
        date: Nullable<String>,
        /// What it is about.
        facts: Vec<ReportFact>,
        coverage: ReportCoverage,
        namespaces: Vec<ReportNamespace>,
        /// Those that are open, or in part.
        open: Vec<ReportOpen>,
        /// The lines of `polder reach`.
        connections: Vec<ReportConnection>,
        /// `null` where there is no program.
        assertions: Nullable<Vec<ReportAssertion>>,
        findings: Vec<ReportFinding>,
        policies: Vec<ReportPolicy>,
        plugin: ReportPlugin,
        /// What there is to know beside it.
        notes: Vec<String>,
        not_looked_at: Vec<String>,
        /// What changed since a revision.
        changes: Nullable<ReportChanges>,
        /// What the policies would do with the connections of a log.
        seen: Nullable<ReportSeen>,
        /// What was read.
        inputs: Vec<ReportInput>,
    }
    ReportFact { name: String, value: String, }
    ReportCoverage { namespaces: ReportCount, ends: ReportCount, pods: Nullable<ReportPods>, }
    /// How many are closed in both directions, in one or in part, and in none.
    ReportCount { closed: usize, partly: usize, open: usize, }
    ReportPods { all: usize, isolated_for_ingress: usize, isolated_for_egress: usize, isolated_for_both: usize, }
    ReportNamespace { name: String, isolation: String, ends: ReportCount, }
    ReportOpen { name: String, isolation: String, }
    ReportConnection { from: String, to: String, ports: String, certainty: ReportCertainty, because: Vec<ReportPlace>, }
    /// A statement or a policy, with `path:line`.
    ReportPlace { text: String, place: Nullable<String>, }
    ReportAssertion { statement: ReportPlace, verdict: ReportVerdict, message: Nullable<String>, }
    ReportFinding { severity: String, code: String, message: String, place: Nullable<String>, help: Vec<String>, }
    /// Rules are `null` where the policy does not isolate in that direction.
    ReportPolicy {
        name: String,
        selects: String,
        ingress_rules: Nullable<usize>,
        egress_rules: Nullable<usize>,
        /// The doc comments of its statements.
        description: Nullable<String>,
        because: Vec<ReportPlace>,
    }
    ReportPlugin { name: Nullable<String>, limits: Vec<ReportLimit>, }
    ReportLimit { says: String, instead: String, }
    ReportChanges { since: String, verdict: Nullable<String>, rows: Vec<ReportChange>, }
    ReportChange { change: String, what: String, ports: String, because: Vec<ReportPlace>, }
    ReportSeen { head: String, remarks: Vec<String>, rows: Vec<ReportSeenRow>, }
    ReportSeenRow { change: String, connection: String, times: u64, because: Vec<String>, }
    ReportInput { path: String, bytes: usize, sha256: String, }
}

words! {
    /// For whom a connection is so.
    ReportCertainty { All, Some, Unknown }
    ReportVerdict { Pass, Fail, Unknown }
}
