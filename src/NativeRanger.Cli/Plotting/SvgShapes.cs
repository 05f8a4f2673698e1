using System.Xml.Linq;

namespace NativeRanger.Cli.Plotting;

/// <summary>Arrows and marks, at places in pixels.</summary>
internal static class SvgShapes
{
    private const double HeadLength = 10;
    private const double HeadHalfWidth = 4.5;
    private const double MarkRadius = 6;
    private const string Outline = "#ffffff";

    public static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    /// <summary>A line with a head. One that is shorter than its head is all head.</summary>
    public static XElement Arrow(string name, (double X, double Y) from, (double X, double Y) to, Look look)
    {
        var length = Math.Sqrt(Square(to.X - from.X) + Square(to.Y - from.Y));
        var (x, y) = length > 0 ? ((to.X - from.X) / length, (to.Y - from.Y) / length) : (1, 0);
        var head = Math.Min(HeadLength, length);
        var half = HeadHalfWidth * head / HeadLength;
        var (neckX, neckY) = (to.X - (head * x), to.Y - (head * y));
        return Group(
            name,
            new XElement(
                Svg + "line",
                new XAttribute("x1", Number(from.X)),
                new XAttribute("y1", Number(from.Y)),
                new XAttribute("x2", Number(neckX)),
                new XAttribute("y2", Number(neckY)),
                new XAttribute("stroke", look.Colour),
                new XAttribute("stroke-width", Number(look.Width))
            ),
            Polygon(
                [to, (neckX - (half * y), neckY + (half * x)), (neckX + (half * y), neckY - (half * x))],
                look.Colour
            )
        );
    }

    /// <summary>A filled shape with a light outline, which sets it off from the lines beneath.</summary>
    public static XElement Mark(string name, (double X, double Y) at, MarkShape shape, Look look)
    {
        var element = shape switch
        {
            MarkShape.Circle => new XElement(
                Svg + "circle",
                new XAttribute("cx", Number(at.X)),
                new XAttribute("cy", Number(at.Y)),
                new XAttribute("r", Number(MarkRadius)),
                new XAttribute("fill", look.Colour)
            ),
            MarkShape.Square => Polygon(Around(at, 4, _ => MarkRadius * Math.Sqrt(2), turn: 0.125), look.Colour),
            _ => Polygon(Around(at, 10, i => MarkRadius * (i % 2 == 0 ? 1.6 : 0.65), turn: 0), look.Colour),
        };
        element.Add(new XAttribute("stroke", Outline), new XAttribute("stroke-width", "1.5"));
        return Group(name, element);
    }

    public static string Number(double value) => value.ToString("0.##");

    private static IEnumerable<(double X, double Y)> Around(
        (double X, double Y) center,
        int count,
        Func<int, double> radius,
        double turn
    ) =>
        Enumerable
            .Range(0, count)
            .Select(i => (Angle: 2 * Math.PI * (turn + ((double)i / count)), Radius: radius(i)))
            .Select(p => (center.X + (p.Radius * Math.Sin(p.Angle)), center.Y - (p.Radius * Math.Cos(p.Angle))));

    private static XElement Polygon(IEnumerable<(double X, double Y)> corners, string colour) =>
        new(
            Svg + "polygon",
            new XAttribute("points", string.Join(' ', corners.Select(c => $"{Number(c.X)},{Number(c.Y)}"))),
            new XAttribute("fill", colour)
        );

    private static XElement Group(string name, params XElement[] parts) =>
        new(Svg + "g", name.Length > 0 ? new XElement(Svg + "title", name) : null, parts);

    private static double Square(double x) => x * x;
}
