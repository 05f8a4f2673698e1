namespace NativeRanger.Cli.Plotting;

/// <summary>A mark on an axis; minor ones have no label.</summary>
internal readonly record struct Tick(double Value, string? Label);

/// <summary>Where values lie on an axis, from 0 to 1, and where its marks are.</summary>
internal abstract class Scale
{
    /// <summary>A linear scale from and to round numbers that include all values.</summary>
    public static Scale Linear(params IEnumerable<double> values) => LinearScale.Around(values);

    /// <summary>A linear scale from one value exactly to another.</summary>
    public static Scale Between(double start, double end) => LinearScale.From(start, end);

    /// <summary>A logarithmic scale that includes all positive values.</summary>
    public static Scale Logarithmic(params IEnumerable<double> values) => LogarithmicScale.Around(values);

    /// <summary>Whether a value has a place on the scale.</summary>
    public abstract bool Shows(double value);

    /// <summary>The place of a value: 0 at the start of the axis, 1 at its end.</summary>
    public abstract double Position(double value);

    /// <summary>The marks, in ascending order.</summary>
    public abstract IReadOnlyList<Tick> Ticks { get; }
}

internal sealed class LinearScale : Scale
{
    private const int LargestTickCount = 6;
    private static readonly int[] RoundFactors = [1, 2, 5, 10];
    private readonly double start;
    private readonly double end;

    private LinearScale(double start, double end, double step)
    {
        this.start = start;
        this.end = end;
        const double Slack = 1e-9;
        var (first, last) = (Math.Ceiling((start / step) - Slack), Math.Floor((end / step) + Slack));
        Ticks =
        [
            .. Enumerable
                .Range(0, (int)(last - first) + 1)
                // Not a running sum, whose rounding errors would show in the labels; and 0, never -0.
                .Select(i => ((first + i) * step) + 0d)
                .Select(value => new Tick(value, value.ToString("#,0.######"))),
        ];
    }

    public override IReadOnlyList<Tick> Ticks { get; }

    public static LinearScale Around(IEnumerable<double> values)
    {
        var finite = values.Where(double.IsFinite).DefaultIfEmpty(0).ToArray();
        var (smallest, largest) = (finite.Min(), finite.Max());
        if (smallest == largest)
        {
            largest = smallest + 1;
        }

        var step = RoundStep((largest - smallest) / LargestTickCount);
        return new(Math.Floor(smallest / step) * step, Math.Ceiling(largest / step) * step, step);
    }

    public static LinearScale From(double start, double end) =>
        new(start, end, RoundStep((end - start) / LargestTickCount));

    public override bool Shows(double value) => double.IsFinite(value);

    public override double Position(double value) => (value - start) / (end - start);

    /// <summary>The smallest of 1, 2, 5 times a power of ten that is not below the argument.</summary>
    private static double RoundStep(double smallest)
    {
        var decade = Math.Pow(10, Math.Floor(Math.Log10(smallest)));
        return RoundFactors.Select(factor => factor * decade).First(step => step >= smallest * (1 - 1e-9));
    }
}

internal sealed class LogarithmicScale : Scale
{
    private readonly double start;
    private readonly double end;

    private LogarithmicScale(double start, double end)
    {
        this.start = start;
        this.end = end;
        Ticks = [.. AllTicks()];
    }

    public override IReadOnlyList<Tick> Ticks { get; }

    public static LogarithmicScale Around(IEnumerable<double> values)
    {
        var exponents = values.Where(v => v > 0 && double.IsFinite(v)).Select(Math.Log10).DefaultIfEmpty(0).ToArray();
        // Half decades, so that the curves fill the plot.
        var (start, end) = (Math.Floor(2 * exponents.Min()) / 2, Math.Ceiling(2 * exponents.Max()) / 2);
        return new(start, Math.Max(end, start + 0.5));
    }

    public override bool Shows(double value) => double.IsFinite(value) && value > 0;

    public override double Position(double value) => (Math.Log10(value) - start) / (end - start);

    private IEnumerable<Tick> AllTicks()
    {
        const double Slack = 1e-9;
        var fewDecades = end - start < 1.5;
        for (var decade = (int)Math.Floor(start); decade <= end; decade++)
        {
            for (var digit = 1; digit <= 9; digit++)
            {
                var exponent = decade + Math.Log10(digit);
                if (exponent < start - Slack || exponent > end + Slack)
                {
                    continue;
                }

                var labelled = digit == 1 || (fewDecades && digit is 2 or 5);
                yield return new(Math.Pow(10, exponent), labelled ? Label(digit, decade) : null);
            }
        }
    }

    private static string Label(int digit, int decade) =>
        decade is >= -3 and <= 3
            ? (digit * Math.Pow(10, decade)).ToString("#,0.###")
            : (digit == 1 ? "" : $"{digit}·") + $"10{Superscript(decade)}";

    private static string Superscript(int number) =>
        string.Concat(number.ToString().Select(c => c == '-' ? '⁻' : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c - '0']));
}
