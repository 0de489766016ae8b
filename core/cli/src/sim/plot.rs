//! Line plots as SVG text: readable on light and dark pages, no script, no font of their own.

use std::fmt::Write;

/// Which axes are logarithmic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axes {
    /// The horizontal one.
    LogX,
    /// Both.
    LogBoth,
}

/// A named line.
#[derive(Debug, Clone)]
pub struct Line {
    /// For the legend.
    pub name: String,
    /// In order.
    pub points: Vec<(f64, f64)>,
}

/// A plot.
#[derive(Debug, Clone)]
pub struct Plot {
    /// Above it.
    pub title: String,
    /// Name of the horizontal axis.
    pub x: String,
    /// Name of the vertical axis.
    pub y: String,
    /// Scales.
    pub axes: Axes,
    /// What is drawn.
    pub lines: Vec<Line>,
}

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 630.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 380.0;
/// Colours that can be told apart also by those who do not see red and green (Okabe, Ito).
const COLOURS: [&str; 7] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#777777"];

/// One axis: from where to where in values, and on the page.
struct Scale {
    log: bool,
    values: (f64, f64),
    page: (f64, f64),
}

impl Scale {
    fn at(&self, value: f64) -> f64 {
        let map = |value: f64| if self.log { value.max(1e-12).log10() } else { value };
        let (low, high) = (map(self.values.0), map(self.values.1));
        let part = (map(value) - low) / (high - low);
        self.page.0 + part * (self.page.1 - self.page.0)
    }

    fn ticks(&self) -> Vec<f64> {
        let (low, high) = self.values;
        if !self.log {
            return (0..=4).map(|at| low + (high - low) * f64::from(at) / 4.0).collect();
        }
        let decades = low.log10().round() as i32..=high.log10().round() as i32;
        decades.map(|power| 10f64.powi(power)).collect()
    }
}

impl Plot {
    /// The plot as an SVG document.
    pub fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let x = Scale {
            log: true,
            values: decades(points().map(|point| point.0)),
            page: (LEFT, RIGHT),
        };
        let log_y = self.axes == Axes::LogBoth;
        let y_values = if log_y { decades(points().map(|point| point.1)) } else { (0.0, 100.0) };
        let y = Scale { log: log_y, values: y_values, page: (BOTTOM, TOP) };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"13\" fill=\"#888\">\n"
        );
        let title = escaped(&self.title);
        let _ = writeln!(svg, "<title>{title}</title>");
        let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"26\" font-size=\"16\">{title}</text>");
        self.grid(&mut svg, &x, &y);
        for (number, line) in self.lines.iter().enumerate() {
            draw(&mut svg, line, number, &x, &y);
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn grid(&self, svg: &mut String, x: &Scale, y: &Scale) {
        for tick in x.ticks() {
            let at = x.at(tick);
            let _ = writeln!(
                svg,
                "<path d=\"M{at:.1} {TOP}V{BOTTOM}\" stroke=\"#8884\"/>\
                 <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{tick}</text>",
                BOTTOM + 18.0
            );
        }
        for tick in y.ticks() {
            let at = y.at(tick);
            let _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {at:.1}H{RIGHT}\" stroke=\"#8884\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{tick}</text>",
                LEFT - 8.0,
                at + 4.0
            );
        }
        let (middle, below) = (f64::midpoint(LEFT, RIGHT), BOTTOM + 42.0);
        let (across, up) = (escaped(&self.x), escaped(&self.y));
        let _ = writeln!(
            svg,
            "<text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{across}</text>\
             <text x=\"{LEFT}\" y=\"{:.1}\">{up}</text>",
            TOP - 6.0
        );
    }
}

fn draw(svg: &mut String, line: &Line, number: usize, x: &Scale, y: &Scale) {
    let colour = COLOURS[number % COLOURS.len()];
    let mut path = String::new();
    let mut last = None;
    for point in &line.points {
        let at = (x.at(point.0), y.at(point.1));
        // Points closer than half a pixel would only make the file large.
        if last.is_some_and(|(a, b): (f64, f64)| (a - at.0).abs() + (b - at.1).abs() < 0.5) {
            continue;
        }
        let sign = if last.is_none() { 'M' } else { 'L' };
        let _ = write!(path, "{sign}{:.1} {:.1}", at.0, at.1);
        last = Some(at);
    }
    let _ =
        writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>");
    let (legend, name) = (TOP + 14.0 + 22.0 * number as f64, escaped(&line.name));
    let _ = writeln!(
        svg,
        "<path d=\"M{:.1} {:.1}h18\" stroke=\"{colour}\" stroke-width=\"3\"/>\
         <text x=\"{:.1}\" y=\"{legend:.1}\">{name}</text>",
        RIGHT + 16.0,
        legend - 4.0,
        RIGHT + 42.0
    );
}

/// The whole decades around some values; at least one.
fn decades(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|value| value.is_finite() && *value > 0.0)
        .fold((f64::INFINITY, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
    if !low.is_finite() {
        return (1.0, 10.0);
    }
    let (low, high) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    (10f64.powi(low), 10f64.powi(high.max(low + 1)))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_has_every_line_inside_its_frame() {
        let line = |name: &str, points: &[(f64, f64)]| Line {
            name: name.to_owned(),
            points: points.to_vec(),
        };
        let plot = Plot {
            title: "a < b".to_owned(),
            x: "x".to_owned(),
            y: "y".to_owned(),
            axes: Axes::LogBoth,
            lines: vec![line("one", &[(1.0, 1.0), (1000.0, 1000.0)]), line("none", &[])],
        };
        let svg = plot.svg();
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("a &lt; b"));
        assert!(svg.contains(&format!("M{LEFT:.1} {BOTTOM:.1}L{RIGHT:.1} {TOP:.1}")), "{svg}");
    }
}
