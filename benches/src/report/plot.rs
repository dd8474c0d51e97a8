//! A plot on two logarithmic axes, as SVG, by hand: a drawing library would be the largest dependency here.

use std::fmt::{self, Write as _};

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 520.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 160.0;
const TOP: f64 = 60.0;
const BOTTOM: f64 = 70.0;

/// Colours that can be told apart by most eyes, on white and in print (after Okabe and Ito).
const COLOURS: [&str; 6] = ["#d55e00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#555555"];

/// One line of the plot. The first series of a plot is drawn thicker.
#[derive(Clone, Debug)]
pub struct Series {
    /// The label at its right end.
    pub name: String,
    /// Points in ascending order of x; all positive.
    pub points: Vec<(f64, f64)>,
}

/// Lines over a logarithmic grid.
#[derive(Clone, Debug)]
pub struct Plot {
    /// Over the plot.
    pub title: String,
    /// Under the plot.
    pub x_label: String,
    /// Beside it.
    pub y_label: String,
    /// The lines.
    pub series: Vec<Series>,
}

/// A range of whole decades or, on the y axis, of 1-2-5 steps.
struct Axis {
    ticks: Vec<f64>,
    from: f64,
    to: f64,
}

impl Axis {
    fn new(values: impl Iterator<Item = f64> + Clone, steps: &[f64]) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min).max(1e-3);
        let most = values.fold(0.0, f64::max).max(least * 1.01);
        let decades = (least.log10().floor() as i32)..=(most.log10().ceil() as i32);
        let all: Vec<f64> =
            decades.flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade))).collect();
        let first = all.iter().rposition(|&tick| tick <= least * 1.001).unwrap_or(0);
        let last = all.iter().position(|&tick| tick >= most * 0.999).unwrap_or(all.len() - 1);
        let ticks = all.get(first..=last).unwrap_or_default().to_vec();
        let (from, to) = (ticks.first().copied().unwrap_or(1.0), ticks.last().copied().unwrap_or(10.0));
        Self { ticks, from, to }
    }

    /// Where a value lies between the ends, from 0 to 1.
    fn place(&self, value: f64) -> f64 {
        (value / self.from).ln() / (self.to / self.from).ln()
    }
}

impl fmt::Display for Plot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let points = self.series.iter().flat_map(|series| &series.points);
        let across = Axis::new(points.clone().map(|point| point.0), &[1.0]);
        let up = Axis::new(points.map(|point| point.1), &[1.0, 2.0, 5.0]);
        let x = |value: f64| LEFT + across.place(value) * (WIDTH - LEFT - RIGHT);
        let y = |value: f64| HEIGHT - BOTTOM - up.place(value) * (HEIGHT - TOP - BOTTOM);

        writeln!(
            f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
             height=\"{HEIGHT}\" font-family=\"sans-serif\" font-size=\"14\" fill=\"#222\">"
        )?;
        writeln!(f, "<title>{}</title>", self.title)?;
        writeln!(f, "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>")?;
        writeln!(
            f,
            "<text x=\"{LEFT}\" y=\"32\" font-size=\"17\" font-weight=\"bold\">{}</text>",
            self.title
        )?;
        self.grid(f, &across, &up, x, y)?;
        for (index, series) in self.series.iter().enumerate() {
            line(f, series, index, x, y)?;
        }
        self.labels(f, x, y)?;
        writeln!(f, "</svg>")
    }
}

impl Plot {
    fn grid(
        &self,
        f: &mut fmt::Formatter<'_>,
        across: &Axis,
        up: &Axis,
        x: impl Fn(f64) -> f64,
        y: impl Fn(f64) -> f64,
    ) -> fmt::Result {
        let (floor, wall) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for &tick in &up.ticks {
            let (at, text) = (y(tick), short(tick));
            writeln!(f, "<line x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{wall}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>")?;
            let (right, base) = (LEFT - 10.0, at + 5.0);
            writeln!(f, "<text x=\"{right}\" y=\"{base:.1}\" text-anchor=\"end\">{text}</text>")?;
        }
        for &tick in &across.ticks {
            let (at, text, base) = (x(tick), short(tick), floor + 22.0);
            writeln!(f, "<line x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{floor}\" stroke=\"#ddd\"/>")?;
            writeln!(f, "<text x=\"{at:.1}\" y=\"{base}\" text-anchor=\"middle\">{text}</text>")?;
        }
        let (middle, base) = ((LEFT + wall) / 2.0, HEIGHT - 20.0);
        writeln!(f, "<text x=\"{middle}\" y=\"{base}\" text-anchor=\"middle\">{}</text>", self.x_label)?;
        let middle = f64::midpoint(TOP, floor);
        writeln!(
            f,
            "<text x=\"24\" y=\"{middle}\" text-anchor=\"middle\" transform=\"rotate(-90 24 {middle})\">{}</text>",
            self.y_label
        )
    }

    /// Names beside the last points, pushed apart where lines end close together.
    fn labels(
        &self,
        f: &mut fmt::Formatter<'_>,
        x: impl Fn(f64) -> f64,
        y: impl Fn(f64) -> f64,
    ) -> fmt::Result {
        let mut ends: Vec<(f64, f64, usize, &str)> = self
            .series
            .iter()
            .enumerate()
            .filter_map(|(index, series)| {
                let &(last_x, last_y) = series.points.last()?;
                Some((y(last_y), x(last_x), index, series.name.as_str()))
            })
            .collect();
        ends.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut free_from = TOP;
        for (at, right, index, name) in ends {
            let at = at.max(free_from);
            free_from = at + 18.0;
            let (left, base, weight) = (right + 12.0, at + 5.0, if index == 0 { "bold" } else { "normal" });
            let colour = colour(index);
            writeln!(
                f,
                "<text x=\"{left:.1}\" y=\"{base:.1}\" fill=\"{colour}\" font-weight=\"{weight}\">{name}</text>"
            )?;
        }
        Ok(())
    }
}

fn line(
    f: &mut fmt::Formatter<'_>,
    series: &Series,
    index: usize,
    x: impl Fn(f64) -> f64,
    y: impl Fn(f64) -> f64,
) -> fmt::Result {
    let (colour, width) = (colour(index), if index == 0 { 3.5 } else { 2.0 });
    let mut corners = String::new();
    for &(across, up) in &series.points {
        write!(corners, "{:.1},{:.1} ", x(across), y(up))?;
    }
    let corners = corners.trim_end();
    writeln!(
        f,
        "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" points=\"{corners}\"/>"
    )?;
    for &(across, up) in &series.points {
        let (across_at, up_at, name) = (x(across), y(up), &series.name);
        writeln!(
            f,
            "<circle cx=\"{across_at:.1}\" cy=\"{up_at:.1}\" r=\"{width}\" fill=\"{colour}\">\
             <title>{name}: {up:.0} at {across}</title></circle>"
        )?;
    }
    Ok(())
}

fn colour(index: usize) -> &'static str {
    COLOURS.get(index % COLOURS.len()).copied().unwrap_or("#000")
}

/// `1k`, `20`, `0.5`.
fn short(value: f64) -> String {
    match value {
        _ if value >= 1e6 => format!("{}M", value / 1e6),
        _ if value >= 1e3 => format!("{}k", value / 1e3),
        _ => format!("{}", (value * 1e3).round() / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_lie_inside_and_labels_apart() {
        let series = |name: &str, factor: f64| Series {
            name: name.to_owned(),
            points: vec![(10.0, 20.0 * factor), (1e6, 300.0 * factor)],
        };
        let plot = Plot {
            title: "growth".to_owned(),
            x_label: "rules".to_owned(),
            y_label: "ns".to_owned(),
            series: vec![series("one", 1.0), series("two", 1.01)],
        };
        let svg = plot.to_string();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert!(svg.contains(">1M</text>") && svg.contains(">500</text>"), "{svg}");
    }
}
