using Spectre.Console;

namespace NativeRanger.Cli.Bench;

/// <summary>The table that measuring ends with.</summary>
internal static class BenchTable
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB"];

    public static Table Of(IReadOnlyList<Measurement> measurements)
    {
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn("Algorithm");
        table.AddColumn("Type");
        table.AddColumn("ISA");
        table.AddColumn("Threads", Right);
        table.AddColumn("Working set", Right);
        table.AddColumn("ns/element", Right);
        table.AddColumn("GB/s", Right);
        table.AddColumn("Of the limit", Right);
        foreach (var m in measurements)
        {
            table.AddRow(
                Name(m),
                m.Type,
                m.Isa,
                $"{m.Threads}",
                Bytes(m.WorkingSetBytes),
                $"{m.NsPerElement:0.0000}",
                $"{m.GigabytesPerSecond:0.0}",
                $"{m.RatioToLimit:0.00}"
            );
        }

        return table;
    }

    public static Table Of(IReadOnlyList<DeviceMeasurement> measurements)
    {
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn("Algorithm");
        table.AddColumn("Type");
        table.AddColumn("Working set", Right);
        table.AddColumn("ns/element", Right);
        table.AddColumn("GB/s", Right);
        table.AddColumn("Of a copy", Right);
        table.AddColumn("Host arrays", Right);
        table.AddColumn("Times as slow", Right);
        foreach (var m in measurements)
        {
            table.AddRow(
                Name(m),
                m.Type,
                Bytes(m.WorkingSetBytes),
                $"{m.NsPerElement:0.0000}",
                $"{m.GigabytesPerSecond:0.0}",
                $"{m.RatioToCopy:0.00}",
                $"{m.HostNsPerElement:0.0000}",
                $"{m.HostNsPerElement / m.NsPerElement:0.0}"
            );
        }

        return table;
    }

    /// <summary>As in "radam, centralised".</summary>
    public static string Name(Measurement measurement) => Name(measurement.Algorithm, measurement.Centralised);

    public static string Name(DeviceMeasurement measurement) => Name(measurement.Algorithm, measurement.Centralised);

    private static string Name(string algorithm, bool centralised) => algorithm + (centralised ? ", centralised" : "");

    public static string Threads(int count) => count == 1 ? "1 thread" : $"{count} threads";

    public static string Bytes(long bytes)
    {
        var unit = 0;
        double value = bytes;
        for (; value >= 1024 && unit < Units.Length - 1; unit++)
        {
            value /= 1024;
        }

        return $"{value:0.#} {Units[unit]}";
    }

    private static void Right(TableColumn column) => column.RightAligned().NoWrap();
}
