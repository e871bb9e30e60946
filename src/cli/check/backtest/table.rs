//! Columns of text: the first to the left, the others to the right, as wide as they need to be.

/// Lines up rows of cells; the first row is the heading. Ends each line without blanks.
pub(in crate::cli::check) fn table(rows: &[Vec<String>], indent: usize, left: &[usize]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = " ".repeat(indent);
        for (column, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[column] - cell.chars().count());
            let gap = if column == 0 { "" } else { "  " };
            let (before, after) = if left.contains(&column) { ("", pad.as_str()) } else { (pad.as_str(), "") };
            line += &format!("{gap}{before}{cell}{after}");
        }
        out += line.trim_end();
        out.push('\n');
    }
    out
}
