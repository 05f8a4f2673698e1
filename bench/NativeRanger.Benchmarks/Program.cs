using BenchmarkDotNet.Running;
using NativeRanger.Benchmarks;
using NativeRanger.Benchmarks.Distributed;
using NativeRanger.Benchmarks.Report;
using NativeRanger.Benchmarks.Studies;

const string QuickOption = "--quick";

// Without a study, the arguments are BenchmarkDotNet's.
return args switch
{
    ["circumstances", var commit, var file] => Write(file, Circumstances.Here(commit)),
    ["peers", .. var options] => Study(options, PeerStudy.Run),
    ["scaling", .. var options] => Study(options, ScalingStudy.Run),
    ["report", var results, var readme] => Report(results, readme),
    ["distributed", "measure", var file, .. var options] => Measure(file, options),
    ["distributed", "train", var checkpoint, var parameters, var steps] => Train(checkpoint, parameters, steps),
    ["distributed", "report", var file, var readme] => Distributed(file, readme),
    _ => Benchmark(args),
};

static int Study<T>(string[] options, Func<Circumstances, bool, T> study)
{
    var quick = options.Contains(QuickOption);
    if (options.Where(o => o is not QuickOption).ToArray() is not [var circumstances, var file])
    {
        Console.Error.WriteLine("usage: (peers | scaling) [--quick] CIRCUMSTANCES RESULTS");
        return 2;
    }

    return Write(file, study(Circumstances.Read(circumstances), quick));
}

static int Write<T>(string file, T results)
{
    Results.Write(file, results);
    return 0;
}

static int Report(string results, string readme)
{
    new ReportWriter(results).Write(readme);
    return 0;
}

static int Measure(string file, string[] options)
{
    DistributedStudy.Run(file, options.Contains(QuickOption));
    return 0;
}

static int Train(string checkpoint, string parameters, string steps)
{
    LargeRun.Run(checkpoint, long.Parse(parameters), int.Parse(steps));
    return 0;
}

static int Distributed(string file, string readme)
{
    DistributedReport.Write(file, readme);
    return 0;
}

static int Benchmark(string[] args)
{
    var quick = args.Contains(QuickOption);
    var summaries = BenchmarkSwitcher
        .FromAssembly(typeof(BenchmarkConfiguration).Assembly)
        .Run([.. args.Where(a => a is not QuickOption)], new BenchmarkConfiguration(quick));
    return summaries.Any(s => s.HasCriticalValidationErrors || s.Reports.Any(r => !r.Success)) ? 1 : 0;
}
