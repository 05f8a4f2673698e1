using System.Text.Json;
using NativeRanger.Cli.Commands;

namespace NativeRanger.Cuda.Tests;

/// <summary>The command line on a device.</summary>
public sealed class CommandTests
{
    [Fact]
    public void Info_shows_every_device()
    {
        Support.StandIn.Open();
        var line = Run("info").Split('\n').Single(l => l.StartsWith("GPU", StringComparison.Ordinal));
        Assert.Contains("Stand-in 0 (compute capability 9.0, 1024 GiB, CUDA 12.4)", line, StringComparison.Ordinal);
        Assert.Contains($"Stand-in {Support.StandIn.Devices - 1} (", line, StringComparison.Ordinal);
    }

    /// <summary>The device trains to the losses of the processor, digit for digit.</summary>
    [Fact]
    public void Train_gives_the_losses_of_the_processor()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            string Losses(string backend)
            {
                var output = Path.Combine(folder.FullName, backend);
                Run(
                    "train",
                    "--backend",
                    backend,
                    "--optimizer",
                    "ranger",
                    "--lr",
                    "0.03",
                    "--epochs",
                    "2",
                    "--output",
                    output
                );
                return File.ReadAllText(Path.Combine(output, "loss.csv"))
                    .Replace(backend, "", StringComparison.Ordinal);
            }

            Assert.Equal(Losses("native"), Losses("cuda"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Verify_replays_the_traces_on_the_device()
    {
        var last = Run("verify", "--backend", "cuda").TrimEnd().Split('\n')[^1];
        Assert.Matches("^[1-9][0-9]* passed, 0 failed, [0-9]+ skipped$", last);
    }

    /// <summary>Functionally: a time over the stand-in driver says nothing.</summary>
    [Fact]
    public void Bench_shows_what_arrays_of_the_host_cost()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var file = Path.Combine(folder.FullName, "bench.json");
            var copies = Support.StandIn.Calls("cuMemcpyAsync");
            var shown = Run(
                "bench",
                "--backend",
                "cuda",
                "--algorithm",
                "adam",
                "ranger",
                "--type",
                "float32",
                "float64",
                "--bytes",
                "16KiB",
                "--json",
                file
            );
            Assert.Contains("Host arrays", shown, StringComparison.Ordinal);
            Assert.True(Support.StandIn.Calls("cuMemcpyAsync") > copies);
            using var json = JsonDocument.Parse(File.ReadAllText(file));
            var measured = json
                .RootElement.EnumerateArray()
                .Select(m => $"{m.GetProperty("algorithm").GetString()} {m.GetProperty("type").GetString()}");
            Assert.Equal("adam float32, ranger float32, adam float64, ranger float64", string.Join(", ", measured));
            foreach (var measurement in json.RootElement.EnumerateArray())
            {
                Assert.Equal("Stand-in 0", measurement.GetProperty("device").GetString());
                Assert.True(measurement.GetProperty("elements").GetInt64() > 0);
                foreach (var time in (string[])["nsPerElement", "ratioToCopy", "hostNsPerElement"])
                {
                    Assert.True(measurement.GetProperty(time).GetDouble() > 0, time);
                }
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Bench_refuses_what_is_about_the_processor()
    {
        using var error = new StringWriter();
        string[] arguments = ["bench", "--backend", "cuda", "--threads", "2"];
        Assert.NotEqual(0, CommandLine.Run(arguments, TextWriter.Null, error));
        Assert.Contains("--isa and --threads are about the processor", error.ToString(), StringComparison.Ordinal);
    }

    /// <summary>What goes wrong on the device ends a command with a line, not with a trace of calls.</summary>
    [Theory]
    [InlineData(
        "memory=5000",
        "Stand-in 0 (device 0): there is not enough memory. cuMemAlloc_v2 failed: out of memory"
    )]
    [InlineData("fail=cuLaunchKernel:20:1", "This was noticed after step ")]
    public void Failures_of_the_device_are_messages(string setting, string message)
    {
        Support.StandIn.Open();
        Support.StandIn.Set(setting);
        var output = Directory.CreateTempSubdirectory();
        try
        {
            using var error = new StringWriter();
            string[] arguments =
            [
                "train",
                "--backend",
                "cuda",
                "--optimizer",
                "adam",
                "--lr",
                "0.03",
                "--epochs",
                "1",
                "--output",
                output.FullName,
            ];
            Assert.Equal(CommandLine.Failure, CommandLine.Run(arguments, TextWriter.Null, error));
            Assert.Contains(message, error.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", error.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            Support.StandIn.Set("reset=1 memory=1099511627776");
            output.Delete(recursive: true);
        }
    }

    private static string Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = CommandLine.Run(arguments, output, error);
        Assert.True(code == 0, $"{output}{error}");
        return output.ToString();
    }
}
