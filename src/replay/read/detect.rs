//! Which format a log has, by its first line.

use super::{LogFormat, antrea, aws, calico, csv, gadget, gke, ovn, wrapped};
use memchr::memmem;

/// So much of the beginning is looked at to see whether it is a list.
const BEGINNING: usize = 16 * 1024;

/// The format of a log whose first line, of those that are not blank or comments, is this one.
pub(crate) fn detect(line: &[u8]) -> Option<LogFormat> {
    let line = std::str::from_utf8(line).ok()?;
    let line = wrapped::bare(line);
    if line.starts_with('{') {
        return Some(match () {
            () if line.starts_with("{\"flow\":") => LogFormat::Hubble,
            () if gke::is_entry(&line) => LogFormat::Gke,
            () if calico::is_item(&line) => LogFormat::Whisker,
            () if gadget::is_event(&line) => LogFormat::Gadget,
            () if aws::is_entry(&line) => LogFormat::Aws,
            () => LogFormat::Hubble,
        });
    }
    match () {
        () if csv::is_header(&line) => Some(LogFormat::Csv),
        () if line.starts_with("data:") => Some(LogFormat::Whisker),
        () if aws::is_of_cloud_watch(&line) || line.contains("Flow Info: Src IP") => Some(LogFormat::Aws),
        () if ovn::is_line(&line) => Some(LogFormat::Ovn),
        () if antrea::is_record(&line) => Some(LogFormat::AntreaFlows),
        () if antrea::is_line(&line) => Some(LogFormat::Antrea),
        () if calico::is_of_log_rule(&line) => Some(LogFormat::CalicoLog),
        () => None,
    }
}

/// The format of a log that is one document of JSON with a list, by its beginning.
pub(crate) fn detect_list(start: &[u8]) -> Option<LogFormat> {
    let start = start.get(..BEGINNING).unwrap_or(start).trim_ascii_start();
    let has = |key: &str| memmem::find(start, key.as_bytes()).is_some();
    match start.first()? {
        b'[' if has("\"traffic_type\"") || has("\"pod_namespace\"") => Some(LogFormat::Kguardian),
        b'[' => Some(LogFormat::Whisker),
        b'{' if has("\"items\"") && has("\"total") => Some(LogFormat::Whisker),
        b'{' if has("\"items\"") && has("\"source_namespace\"") => Some(LogFormat::Whisker),
        _ => None,
    }
}
