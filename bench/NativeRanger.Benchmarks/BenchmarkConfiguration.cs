using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters.Json;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace NativeRanger.Benchmarks;

/// <summary>How BenchmarkDotNet runs here.</summary>
internal sealed class BenchmarkConfiguration : ManualConfig
{
    public BenchmarkConfiguration(bool quick)
    {
        // In this process: the native library is already beside it, and nothing has to be built anew.
        var job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance);
        AddJob(
            job.WithIterationTime(TimeInterval.FromMilliseconds(100))
                .WithWarmupCount(1)
                .WithIterationCount(quick ? 3 : 10)
        );
        AddDiagnoser(MemoryDiagnoser.Default);
        AddColumnProvider(DefaultColumnProviders.Instance);
        AddExporter(JsonExporter.Brief);
        AddLogger(ConsoleLogger.Default);
    }
}
