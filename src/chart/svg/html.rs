//! A page of pictures: one file that needs nothing else.

use super::escape;

/// A picture with what it shows in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// SVG, as this module writes it.
    pub svg: String,
    /// What it shows, in a sentence.
    pub caption: String,
}

const STYLE: &str = "\
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:1rem auto;padding:0 1rem}\
figure{margin:1.5rem 0}svg{max-width:100%;height:auto}figcaption{opacity:.8}\
@media print{body{max-width:none}figure{break-inside:avoid}}";

/// Writes a page with a heading, what stands above the figures (plain text), and the figures.
///
/// The policy in its head forbids every request and every script, whatever a record may hold.
pub fn page(title: &str, lead: &str, figures: &[Figure]) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{0}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{0}</h1>\n",
        escape(title)
    );
    if !lead.is_empty() {
        out.push_str(&format!("<p>{}</p>\n", escape(lead)));
    }
    for figure in figures {
        out.push_str(&format!("<figure>\n{}<figcaption>{}</figcaption>\n</figure>\n", figure.svg, escape(&figure.caption)));
    }
    out.push_str("</body>\n</html>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_asks_for_nothing_and_holds_no_markup_from_outside() {
        let figure = Figure { svg: "<svg></svg>\n".into(), caption: "a <img src=x> rose".into() };
        let page = page("<h1>", "b & c", &[figure]);
        assert!(page.contains("<title>&lt;h1&gt;</title>") && page.contains("a &lt;img src=x&gt; rose") && page.contains("b &amp; c"));
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"));
    }
}
