using System.Text.Json;
using System.Text.Json.Serialization;

namespace NativeRanger.Cli.Bench;

/// <summary>A step that was measured against its limit; serialised as it is, in camel case.</summary>
/// <param name="Algorithm">The algorithm.</param>
/// <param name="Centralised">Whether gradients were centralised.</param>
/// <param name="Type">float32 or float64.</param>
/// <param name="Isa">The instruction set, as NATIVERANGER_ISA spells it.</param>
/// <param name="Threads">The most threads of the step, and the threads of the limit.</param>
/// <param name="Rows">The rows of the parameter; 1 where they do not matter.</param>
/// <param name="Elements">The elements of the parameter.</param>
/// <param name="WorkingSetBytes">Bytes of the gradient, the parameter and its states.</param>
/// <param name="NsPerElement">Nanoseconds of a step per element, median.</param>
/// <param name="GigabytesPerSecond">Bytes that the step reads and writes, over its time.</param>
/// <param name="RatioToLimit">Time of the limit kernel over time of the step, median over the rounds.</param>
internal sealed record Measurement(
    string Algorithm,
    bool Centralised,
    string Type,
    string Isa,
    int Threads,
    long Rows,
    long Elements,
    long WorkingSetBytes,
    double NsPerElement,
    double GigabytesPerSecond,
    double RatioToLimit
)
{
    /// <summary>Writes an array with an object per measurement.</summary>
    public static void Write(string path, IReadOnlyList<Measurement> measurements) =>
        File.WriteAllText(
            path,
            JsonSerializer.Serialize(measurements, MeasurementJson.Default.IReadOnlyListMeasurement) + "\n"
        );
}

/// <summary>How measurements are written, known when the program is compiled: a trimmed one cannot find it out.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(IReadOnlyList<Measurement>))]
[JsonSerializable(typeof(IReadOnlyList<DeviceMeasurement>))]
internal sealed partial class MeasurementJson : JsonSerializerContext;
