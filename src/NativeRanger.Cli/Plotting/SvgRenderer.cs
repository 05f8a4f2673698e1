using System.Xml.Linq;

namespace NativeRanger.Cli.Plotting;

/// <summary>Draws a <see cref="Figure"/> as SVG; lengths are in CSS pixels.</summary>
internal sealed class SvgRenderer
{
    private const double LeftMargin = 78;
    private const double TopMargin = 84;
    private const double BottomMargin = 58;
    private const double PanelGap = 82;
    private const double LegendGap = 24;
    private const double LegendLine = 30;
    private const double LegendRow = 20;
    private const double CharacterWidth = 6.8;
    private const double TickLength = 5;
    private const double MinorTickLength = 3;

    private const string Ink = "#24292f";
    private const string Faint = "#e4e7eb";
    private const string Quiet = "#57606a";

    /// <summary>Colours that stay apart for colour-blind readers (Okabe and Ito), then again with dashes.</summary>
    private static readonly string[] Colours =
    [
        "#0072b2",
        "#d55e00",
        "#009e73",
        "#cc79a7",
        "#e69f00",
        "#56b4e9",
        "#24292f",
    ];

    private static readonly string?[] Dashes = [null, "6 3", "2 3"];

    private static readonly XNamespace Svg = SvgShapes.Svg;

    private readonly Figure figure;
    private readonly List<string> names;
    private readonly double plotWidth;
    private readonly double plotHeight;

    private SvgRenderer(Figure figure)
    {
        this.figure = figure;
        (plotWidth, plotHeight) = figure.PlotSize;
        names =
        [
            .. figure
                .Panels.SelectMany(panel => panel.Lines)
                .Where(line => line.Look is null)
                .Select(line => line.Name)
                .Distinct(StringComparer.Ordinal),
        ];
    }

    public static XDocument Render(Figure figure) => new(new SvgRenderer(figure).Root());

    private XElement Root()
    {
        var plots = LeftMargin + (figure.Panels.Count * (plotWidth + PanelGap)) - PanelGap;
        var entries = Entries();
        var legend =
            LegendGap + LegendLine + 8 + (entries.Select(e => e.Name.Length).DefaultIfEmpty(0).Max() * CharacterWidth);
        var width = Math.Ceiling(plots + legend + 12);
        var height = TopMargin + Math.Max(plotHeight, entries.Count * LegendRow) + BottomMargin;
        return new(
            Svg + "svg",
            new XAttribute("width", width),
            new XAttribute("height", height),
            new XAttribute("viewBox", $"0 0 {width} {height}"),
            new XAttribute("font-family", "'DejaVu Sans', Verdana, Arial, sans-serif"),
            new XAttribute("font-size", 12),
            new XAttribute("role", "img"),
            new XElement(Svg + "title", figure.Title),
            new XElement(
                Svg + "rect",
                new XAttribute("width", width),
                new XAttribute("height", height),
                new XAttribute("fill", "#ffffff")
            ),
            Text(LeftMargin, 28, figure.Title, ("font-size", "16"), ("font-weight", "bold")),
            Text(LeftMargin, 48, figure.Subtitle, ("fill", Quiet)),
            // What leaves its plot is cut off; lines and marks on the border are not.
            new XElement(
                Svg + "clipPath",
                new XAttribute("id", "plot"),
                new XElement(
                    Svg + "rect",
                    new XAttribute("x", -4),
                    new XAttribute("y", -4),
                    new XAttribute("width", Number(plotWidth + 8)),
                    new XAttribute("height", Number(plotHeight + 8))
                )
            ),
            figure.Panels.Select((panel, i) => Plot(panel, LeftMargin + (i * (plotWidth + PanelGap)))),
            entries.Select((entry, i) => LegendEntry(entry, plots + LegendGap, TopMargin + 8 + (i * LegendRow)))
        );
    }

    private XElement Plot(Panel panel, double left) =>
        new(
            Svg + "g",
            new XAttribute("transform", $"translate({Number(left)} {Number(TopMargin)})"),
            Text(plotWidth / 2, -10, panel.Title, ("text-anchor", "middle"), ("font-weight", "bold")),
            HorizontalAxis(panel.X),
            VerticalAxis(panel.Y),
            Line(0, plotHeight, plotWidth, plotHeight, Ink),
            Line(0, 0, 0, plotHeight, Ink),
            new XElement(
                Svg + "g",
                new XAttribute("clip-path", "url(#plot)"),
                panel.Lines.Select(line => Curve(panel, line)),
                panel.Arrows.Select(arrow =>
                    SvgShapes.Arrow(arrow.Name, Place(panel, arrow.From), Place(panel, arrow.To), arrow.Look)
                ),
                panel.Marks.Select(mark => SvgShapes.Mark(mark.Name, Place(panel, mark.At), mark.Shape, mark.Look))
            )
        );

    private (double X, double Y) Place(Panel panel, (double X, double Y) point) =>
        (plotWidth * panel.X.Scale.Position(point.X), plotHeight * (1 - panel.Y.Scale.Position(point.Y)));

    private IEnumerable<XElement> HorizontalAxis(Axis axis)
    {
        foreach (var tick in axis.Scale.Ticks)
        {
            var x = plotWidth * axis.Scale.Position(tick.Value);
            if (tick.Label is null)
            {
                yield return Line(x, plotHeight, x, plotHeight + MinorTickLength, Ink);
                continue;
            }

            yield return Line(x, 0, x, plotHeight, Faint);
            yield return Line(x, plotHeight, x, plotHeight + TickLength, Ink);
            yield return Text(x, plotHeight + 19, tick.Label, ("text-anchor", "middle"));
        }

        yield return Text(plotWidth / 2, plotHeight + 42, axis.Label, ("text-anchor", "middle"));
    }

    private IEnumerable<XElement> VerticalAxis(Axis axis)
    {
        foreach (var tick in axis.Scale.Ticks)
        {
            var y = plotHeight * (1 - axis.Scale.Position(tick.Value));
            if (tick.Label is null)
            {
                yield return Line(-MinorTickLength, y, 0, y, Ink);
                continue;
            }

            yield return Line(0, y, plotWidth, y, Faint);
            yield return Line(-TickLength, y, 0, y, Ink);
            yield return Text(-9, y + 4, tick.Label, ("text-anchor", "end"));
        }

        yield return Text(
            0,
            0,
            axis.Label,
            ("text-anchor", "middle"),
            ("transform", $"translate(-58 {Number(plotHeight / 2)}) rotate(-90)")
        );
    }

    private XElement Curve(Panel panel, Series line)
    {
        var group = new XElement(Svg + "g", new XElement(Svg + "title", line.Name));
        var run = new List<(double X, double Y)>();
        foreach (var (x, y) in line.Points.Append((double.NaN, double.NaN)))
        {
            if (panel.X.Scale.Shows(x) && panel.Y.Scale.Shows(y))
            {
                run.Add(Place(panel, (x, y)));
                continue;
            }

            if (run.Count > 1)
            {
                group.Add(
                    Stroke(
                        "polyline",
                        line,
                        new XAttribute("points", string.Join(' ', run.Select(p => $"{Number(p.X)},{Number(p.Y)}")))
                    )
                );
            }

            // A point without neighbours would not be seen as a line.
            if (line.Marked || run.Count == 1)
            {
                group.Add(run.Select(p => Dot(p, LookOf(line).Colour)));
            }

            run.Clear();
        }

        return group;
    }

    /// <summary>What the legend explains: the lines with a name, the arrows, the marks, each name once.</summary>
    private List<(string Name, object What)> Entries() =>
        [
            .. figure
                .Panels.SelectMany(panel =>
                    panel
                        .Lines.Select(line => (line.Name, What: (object)line))
                        .Concat(panel.Arrows.Select(arrow => (arrow.Name, (object)arrow)))
                        .Concat(panel.Marks.Select(mark => (mark.Name, (object)mark)))
                )
                .Where(entry => entry.Name.Length > 0)
                .DistinctBy(entry => entry.Name, StringComparer.Ordinal),
        ];

    private IEnumerable<XElement> LegendEntry((string Name, object What) entry, double left, double y)
    {
        yield return entry.What switch
        {
            Arrow arrow => SvgShapes.Arrow("", (left, y), (left + LegendLine, y), arrow.Look),
            Mark mark => SvgShapes.Mark("", (left + (LegendLine / 2), y), mark.Shape, mark.Look),
            var line => Stroke(
                "line",
                (Series)line,
                new XAttribute("x1", Number(left)),
                new XAttribute("x2", Number(left + LegendLine)),
                new XAttribute("y1", Number(y)),
                new XAttribute("y2", Number(y))
            ),
        };
        yield return Text(left + LegendLine + 8, y + 4, entry.Name);
    }

    private XElement Stroke(string shape, Series line, params XAttribute[] geometry)
    {
        var look = LookOf(line);
        var dash = line.Look is null ? Dashes[names.IndexOf(line.Name) / Colours.Length % Dashes.Length] : null;
        return new(
            Svg + shape,
            geometry,
            new XAttribute("fill", "none"),
            new XAttribute("stroke", look.Colour),
            new XAttribute("stroke-width", Number(look.Width)),
            new XAttribute("stroke-linejoin", "round"),
            dash is null ? null : new XAttribute("stroke-dasharray", dash)
        );
    }

    private Look LookOf(Series line) => line.Look ?? new(Colours[names.IndexOf(line.Name) % Colours.Length]);

    private static XElement Dot((double X, double Y) point, string colour) =>
        new(
            Svg + "circle",
            new XAttribute("cx", Number(point.X)),
            new XAttribute("cy", Number(point.Y)),
            new XAttribute("r", "3"),
            new XAttribute("fill", colour)
        );

    private static XElement Line(double x1, double y1, double x2, double y2, string colour) =>
        new(
            Svg + "line",
            new XAttribute("x1", Number(x1)),
            new XAttribute("y1", Number(y1)),
            new XAttribute("x2", Number(x2)),
            new XAttribute("y2", Number(y2)),
            new XAttribute("stroke", colour)
        );

    private static XElement Text(double x, double y, string text, params (string Name, string Value)[] attributes) =>
        new(
            Svg + "text",
            new XAttribute("x", Number(x)),
            new XAttribute("y", Number(y)),
            attributes.Select(attribute => new XAttribute(attribute.Name, attribute.Value)),
            attributes.Any(attribute => attribute.Name is "fill") ? null : new XAttribute("fill", Ink),
            text
        );

    private static string Number(double value) => SvgShapes.Number(value);
}
