using System.Text.Json;

namespace NativeRanger.Cli.Bench;

/// <summary>A step that was measured on a device; serialised as it is, in camel case.</summary>
/// <param name="Algorithm">The algorithm.</param>
/// <param name="Centralised">Whether gradients were centralised.</param>
/// <param name="Type">float32 or float64.</param>
/// <param name="Device">The name of the device.</param>
/// <param name="Rows">The rows of the parameter; 1 where they do not matter.</param>
/// <param name="Elements">The elements of the parameter.</param>
/// <param name="WorkingSetBytes">Bytes of the gradient, the parameter and its states.</param>
/// <param name="NsPerElement">Nanoseconds of a step per element where parameter and gradient are the device's, median.</param>
/// <param name="GigabytesPerSecond">Bytes that such a step reads and writes, over its time.</param>
/// <param name="RatioToCopy">That rate over the rate of a copy within the device's memory, median over the rounds.</param>
/// <param name="HostNsPerElement">
/// Nanoseconds of a step per element where both are arrays of the host, which are copied there and back in each step, median.
/// </param>
internal sealed record DeviceMeasurement(
    string Algorithm,
    bool Centralised,
    string Type,
    string Device,
    long Rows,
    long Elements,
    long WorkingSetBytes,
    double NsPerElement,
    double GigabytesPerSecond,
    double RatioToCopy,
    double HostNsPerElement
)
{
    /// <summary>Writes an array with an object per measurement.</summary>
    public static void Write(string path, IReadOnlyList<DeviceMeasurement> measurements) =>
        File.WriteAllText(
            path,
            JsonSerializer.Serialize(measurements, MeasurementJson.Default.IReadOnlyListDeviceMeasurement) + "\n"
        );
}
