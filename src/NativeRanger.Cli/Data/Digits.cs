using System.IO.Compression;
using System.Reflection;

namespace NativeRanger.Cli.Data;

/// <summary>
/// The built-in data: 1,797 handwritten digits of 8 × 8 pixels (see <c>Data/README.md</c>), the first 1,500 to train on and
/// the last 297 to test on.
/// </summary>
internal static class Digits
{
    private const string Resource = "digits.csv.gz";
    private const int Pixels = 64;
    private const int Classes = 10;
    private const int TrainingRows = 1500;
    private const double BrightestPixel = 16;

    /// <summary>
    /// f* of mean cross-entropy + (1e-3/2)‖w‖² over the 640 weights and 10 biases, on the first 1,500 rows.
    /// </summary>
    public const double SoftmaxOptimum = 0.239988623381097;

    public static DataSet Load()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(Resource)!;
        using var reader = new StreamReader(new GZipStream(stream, CompressionMode.Decompress));
        var rows = new List<byte[]>();
        while (reader.ReadLine() is { } line)
        {
            rows.Add([.. line.Split(',').Select(byte.Parse)]);
        }

        return new(
            "handwritten digits",
            Classes,
            Select(rows[..TrainingRows]),
            Select(rows[TrainingRows..]),
            SoftmaxOptimum
        );
    }

    private static Examples Select(List<byte[]> rows) =>
        new([.. rows.SelectMany(row => row[..Pixels])], [.. rows.Select(row => (int)row[Pixels])], BrightestPixel);
}
