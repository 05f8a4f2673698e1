using System.IO.Compression;
using System.Text.Json;

namespace NativeRanger.Cli.Verification;

/// <summary>
/// A recorded run of an original implementation: what it was given, and what it did to its parameters. The format is
/// described in <c>Traces/README.md</c>.
/// </summary>
internal sealed record Trace
{
    public const string Schema = "nativeranger-golden/1";

    /// <summary>The name, unique within a folder.</summary>
    public required string Name { get; init; }

    /// <summary>What was run: sgd, adam, ranger, lookahead, gc-adam, …</summary>
    public required string Family { get; init; }

    /// <summary>Whether the trace documents a deviation of the original and must not be reproduced.</summary>
    public required bool IsUpstreamQuirk { get; init; }

    /// <summary>What the trace's author noted.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>The constructor options of the (inner) optimizer, under their original names.</summary>
    public required TraceValues Options { get; init; }

    /// <summary>The wrapper around the optimizer, or null.</summary>
    public required TraceLookahead? Lookahead { get; init; }

    public required IReadOnlyList<TraceGroup> Groups { get; init; }

    /// <summary>Options that change before a step, per step and group.</summary>
    public required IReadOnlyDictionary<int, IReadOnlyDictionary<int, TraceValues>> OptionsAtStep { get; init; }

    public required IReadOnlyList<TraceParameter> Parameters { get; init; }

    public required int Steps { get; init; }

    /// <summary>How gradients follow from parameters, or null where they were recorded.</summary>
    public required TraceGradientSource? GradientSource { get; init; }

    /// <summary>The gradient of each parameter at each step, null where it had none; empty with a <see cref="GradientSource"/>.</summary>
    public required IReadOnlyList<double[]?[]> Gradients { get; init; }

    public required TraceExpectation? Float64 { get; init; }

    public required TraceExpectation? Float32 { get; init; }

    /// <summary>Reads a trace from JSON, gzipped or not.</summary>
    /// <exception cref="TraceFormatException">It does not have the documented form.</exception>
    public static Trace Read(Stream stream, string fallbackName)
    {
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        memory.Position = 0;
        try
        {
            using Stream text = IsGzip(memory)
                ? new GZipStream(memory, CompressionMode.Decompress, leaveOpen: true)
                : memory;
            return TraceParser.Parse(new(JsonDocument.Parse(text).RootElement, ""), fallbackName);
        }
        catch (JsonException exception)
        {
            throw new TraceFormatException($"This is not JSON: {exception.Message}");
        }
        catch (InvalidDataException exception)
        {
            throw new TraceFormatException($"The gzip stream is damaged: {exception.Message}");
        }
    }

    private static bool IsGzip(MemoryStream stream) => stream.GetBuffer() is [0x1f, 0x8b, ..] && stream.Length > 1;
}

/// <summary>Options or state under their original names.</summary>
internal sealed class TraceValues
{
    private readonly Dictionary<string, TraceNode> values;

    public TraceValues(IEnumerable<(string Name, TraceNode Value)> values) =>
        this.values = values.ToDictionary(v => v.Name, v => v.Value, StringComparer.Ordinal);

    public static TraceValues None { get; } = new([]);

    public IEnumerable<string> Names => values.Keys;

    /// <summary>A value; absent and null are the same.</summary>
    public TraceNode? this[string name] => values.TryGetValue(name, out var node) && !node.IsNull ? node : null;

    /// <summary>These values with others over them.</summary>
    public TraceValues With(TraceValues overrides) =>
        new(
            overrides
                .values.Concat(values.Where(v => !overrides.values.ContainsKey(v.Key)))
                .Select(v => (v.Key, v.Value))
        );
}

internal sealed record TraceLookahead(string Inner, TraceNode? Period, TraceNode? Blend, string InnerState);

internal sealed record TraceGroup(IReadOnlyList<int> Parameters, TraceValues Options);

internal sealed record TraceParameter(long[] Shape, double[] Initial);

internal sealed record TraceGradientSource(string Function, string? Definition);

/// <summary>A value passes where <c>|got - want| ≤ Absolute + Relative·|want|</c>.</summary>
internal readonly record struct Tolerance(double Absolute, double Relative)
{
    public double Around(double want) => Absolute + (Relative * Math.Abs(want));
}

/// <summary>What one element type should give.</summary>
/// <param name="Tolerance">How far values may be off.</param>
/// <param name="Parameters">The values of each parameter after a step.</param>
/// <param name="FinalState">The arrays and counters of each parameter after the last step, under their original names.</param>
internal sealed record TraceExpectation(
    Tolerance Tolerance,
    IReadOnlyDictionary<int, double[][]> Parameters,
    IReadOnlyList<TraceValues> FinalState
);
