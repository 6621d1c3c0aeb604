//! A matrix as CSV (RFC 4180), for spreadsheets.

use super::Matrix;
use crate::graph::escape::csv as field;

/// The line end of CSV.
const END: &str = "\r\n";

/// A line with the names of those who are connected to, and one for each who connects, with the ports.
pub fn csv(matrix: &Matrix) -> String {
    let mut text = field("from / to");
    for destination in &matrix.destinations {
        text.push(',');
        text.push_str(&field(&matrix.ends[*destination].full));
    }
    text.push_str(END);
    for source in &matrix.sources {
        text.push_str(&field(&matrix.ends[*source].full));
        for destination in &matrix.destinations {
            text.push(',');
            if let Some(cell) = matrix.cells.get(&(*source, *destination)) {
                text.push_str(&field(&cell.ports));
            }
        }
        text.push_str(END);
    }
    text
}
