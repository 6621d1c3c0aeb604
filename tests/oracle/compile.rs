//! The one place that calls the compiler.

use std::io::Write;
use std::process::{Command, Stdio};

/// The layouts of a build.
pub(crate) const LAYOUTS: [&str; 3] = ["flow", "tier", "namespace"];

/// The manifests that the compiler makes of a program, or its diagnostics.
pub(crate) fn compile(source: &str, layout: &str, environment: Option<&str>) -> Result<Vec<String>, String> {
    compile_with(source, layout, environment, &[])
}

/// The same with more options.
pub(crate) fn compile_with(
    source: &str,
    layout: &str,
    environment: Option<&str>,
    options: &[&str],
) -> Result<Vec<String>, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
    command.args(["build", "-o", "-", "--layout", layout]);
    if let Some(name) = environment {
        command.args(["--env", name]);
    }
    command.args(options);
    command.arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the compiler starts");
    let mut input = child.stdin.take().expect("a pipe");
    let text = source.to_string();
    // A thread of its own, so that neither side waits for the other with a full pipe.
    let writer = std::thread::spawn(move || {
        // A compiler that stops reading is judged by what it says, not by the pipe.
        let _ = input.write_all(text.as_bytes());
    });
    let output = child.wait_with_output().expect("the compiler ends");
    writer.join().expect("the writer ends");
    if !output.status.success() {
        return Err(format!("{}\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8(output.stdout).map_err(|e| e.to_string())?;
    let documents = text.split("\n---\n").map(|d| d.strip_prefix("---\n").unwrap_or(d).to_string());
    Ok(documents.filter(|d| !d.trim().is_empty()).collect())
}
