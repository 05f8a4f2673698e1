// dotnet cake --target=<name>; the names and what they do: dotnet cake --description.
// A fresh machine starts with ./build.sh, which installs what this script runs.

using System.Text.RegularExpressions;
using System.Xml.Linq;

const string Configuration = "Release";
const string Solution = "NativeRanger.sln";

var target = Argument("target", "Test");

// Passed on to the program that the target runs: --args="--epochs 5".
var programArguments = Argument("args", "");

// ---- Running programs --------------------------------------------------------------------------------------------------

int ExitCodeOf(string program, string arguments) => StartProcess(program, new ProcessSettings { Arguments = arguments });

void Run(string program, string arguments)
{
    int exitCode = ExitCodeOf(program, arguments);
    if (exitCode != 0)
    {
        throw new CakeException(exitCode, $"{program} {arguments}: exit code {exitCode}");
    }
}

void RunProject(string project, string arguments) =>
    Run("dotnet", $"run --project {project} --configuration {Configuration} --no-build -- {arguments}");

// ---- Setting up --------------------------------------------------------------------------------------------------------

Task("Clean")
    .Description("Removes everything that a build has made.")
    .Does(() =>
    {
        CleanDirectory("artifacts");
        DeleteDirectories(
            GetDirectories("{src,tests,bench}/*/{bin,obj}"),
            new DeleteDirectorySettings { Recursive = true, Force = true }
        );
    });

Task("Restore")
    .Description("Restores the packages of the solution.")
    .Does(() => Run("dotnet", $"restore {Solution} --verbosity quiet"));

// ---- Building ----------------------------------------------------------------------------------------------------------

const string NativeBuild = "artifacts/native/build-linux-x64";
const string NativeOutput = "artifacts/native/linux-x64";

Task("Native")
    .Description("Builds the native library and its tests.")
    .Does(() =>
    {
        Run("cmake", $"-S native -B {NativeBuild} -G Ninja --log-level=NOTICE");
        Run("cmake", $"--build {NativeBuild}");
        Run("cmake", $"--install {NativeBuild} --prefix {NativeOutput}");
    });

Task("Build")
    .Description("Builds everything, native and managed, and runs nothing.")
    .IsDependentOn("Native")
    .IsDependentOn("Restore")
    .Does(() => Run("dotnet", $"build {Solution} --configuration {Configuration} --no-restore --nologo --verbosity minimal"));

Task("Bindings")
    .Description("Writes the C# bindings anew from native/include.")
    .Does(() =>
    {
        // Each header has a response file beside it that says what its bindings are called and where they go.
        var responseFiles = GetFiles("native/include/*.rsp").Select(file => $"\"{file}\"");
        Run(
            "dotnet",
            $"run --project src/NativeRanger.Bindings --configuration {Configuration} -- {string.Join(' ', responseFiles)}"
        );
    });

// ---- Other platforms ---------------------------------------------------------------------------------------------------

record Platform(string Name, string Compiler, string Emulator)
{
    public string Build => $"artifacts/native/build-{Name}";
    public string Output => $"artifacts/native/{Name}";
    public string Toolchain => $"native/platforms/{Name}.cmake";
}

// Debian installs wine64 outside the path.
var platforms = new[]
{
    new Platform("linux-arm64", "aarch64-linux-gnu-g++", "qemu-aarch64"),
    new Platform("win-x64", "x86_64-w64-mingw32-g++-posix", FileExists("/usr/lib/wine/wine64") ? "/usr/lib/wine/wine64" : "wine64"),
};

bool Have(string program) => FileExists(program) || Context.Tools.Resolve(program) != null;

Task("Platforms")
    .Description("Builds the native library for the other platforms of the packages, and tests it under emulators.")
    .Does(() =>
    {
        foreach (var platform in platforms)
        {
            if (!Have(platform.Compiler))
            {
                Warning($"{platform.Name}: left out, {platform.Compiler} is not installed");
                continue;
            }

            Run(
                "cmake",
                $"-S native -B {platform.Build} -G Ninja --log-level=NOTICE --toolchain {MakeAbsolute(File(platform.Toolchain))}"
            );
            Run("cmake", $"--build {platform.Build}");
            Run("cmake", $"--install {platform.Build} --prefix {platform.Output}");
            if (Have(platform.Emulator))
            {
                Run("ctest", $"--test-dir {platform.Build} --output-on-failure --no-tests=error");
            }
            else
            {
                Warning($"{platform.Name}: built and not tested, {platform.Emulator} is not installed");
            }
        }
    });

// ---- Packing -----------------------------------------------------------------------------------------------------------

const string Packages = "artifacts/packages";

Task("Pack")
    .Description("Builds everything, for every platform, and writes the NuGet packages to artifacts/packages.")
    .IsDependentOn("Platforms")
    .IsDependentOn("PackBuilt");

Task("PackBuilt")
    .Description("Writes the packages with the libraries of this platform, and of others that were built before.")
    .IsDependentOn("Build")
    .Does(() =>
    {
        EnsureDirectoryExists(Packages);
        CleanDirectory(Packages);
        Run("dotnet", $"pack {Solution} --configuration {Configuration} --no-build --nologo --verbosity quiet --output {Packages}");
        foreach (var package in GetFiles($"{Packages}/*.nupkg"))
        {
            Information($"{Packages}/{package.GetFilename()}");
        }
    });

const string CommandLine = "artifacts/cli/linux-x64";

Task("Publish")
    .Description("Publishes the command line, trimmed and with its runtime, to artifacts/cli: for machines without .NET.")
    .IsDependentOn("Build")
    .Does(PublishCommandLine);

void PublishCommandLine()
{
    EnsureDirectoryExists(CommandLine);
    CleanDirectory(CommandLine);
    Run(
        "dotnet",
        $"publish src/NativeRanger.Cli --configuration {Configuration} --runtime linux-x64 --self-contained --nologo "
            + $"--verbosity quiet -p:PublishTrimmed=true --output {CommandLine}"
    );
}

// ---- Testing -----------------------------------------------------------------------------------------------------------

const string TestResults = "artifacts/test";

// Failures names the tests that failed and says how, one after the other.
record Tally(int Passed, int Failed, int Skipped, string Failures = "")
{
    public static Tally operator +(Tally a, Tally b) =>
        new(a.Passed + b.Passed, a.Failed + b.Failed, a.Skipped + b.Skipped, a.Failures + b.Failures);

    public override string ToString() => $"{Passed} passed, {Failed} failed, {Skipped} skipped";

    // A runner that fails without naming a test, because it crashed or never started, is one failure.
    public Tally OrFailure(string runner, int exitCode) =>
        exitCode != 0 && Failed == 0
            ? this with { Failed = 1, Failures = $"FAILED {runner}: exit code {exitCode}, and no test is named\n" }
            : this;
}

string DescribeFailure(string test, IEnumerable<string> lines) =>
    $"FAILED {test}\n{string.Concat(lines.Select(line => $"    {line}\n"))}";

const int MostLines = 30;

Tally RunNativeTests()
{
    var report = MakeAbsolute(File($"{TestResults}/native.xml"));
    EnsureDirectoryExists(TestResults);
    DeleteFiles(report.FullPath);
    int exitCode = ExitCodeOf(
        "ctest",
        $"--test-dir {NativeBuild} --output-on-failure --no-tests=error --output-junit \"{report}\""
    );

    return ReadJUnit(report).OrFailure("ctest", exitCode);
}

Tally ReadJUnit(FilePath report)
{
    if (!FileExists(report))
    {
        return new Tally(0, 1, 0, $"FAILED ctest: it wrote no {report.GetFilename()}\n");
    }

    var suite = XDocument.Load(report.FullPath).Root;
    int Count(string name) => (int?)suite.Attribute(name) ?? 0;
    int failed = Count("failures");
    int skipped = Count("skipped") + Count("disabled");
    var failures = suite
        .Elements("testcase")
        .Where(test => test.Element("failure") != null)
        .Select(test =>
        {
            string printed = (string)test.Element("system-out") ?? "";
            return DescribeFailure((string)test.Attribute("name"), printed.TrimEnd().Split('\n').TakeLast(MostLines));
        });
    return new Tally(Count("tests") - failed - skipped, failed, skipped, string.Concat(failures));
}

Tally RunManagedTests()
{
    string folder = $"{TestResults}/managed";
    EnsureDirectoryExists(folder);
    CleanDirectory(folder);
    int exitCode = ExitCodeOf(
        "dotnet",
        $"test {Solution} --configuration {Configuration} --no-build --nologo "
            + $"--logger \"trx;LogFilePrefix=tests\" --results-directory {folder}"
    );

    return GetFiles($"{folder}/*.trx").Select(ReadTrx).Aggregate(new Tally(0, 0, 0), (a, b) => a + b).OrFailure("dotnet test", exitCode);
}

Tally ReadTrx(FilePath report)
{
    var run = XDocument.Load(report.FullPath).Root;
    var ns = run.Name.Namespace;
    var counters = run.Descendants(ns + "Counters").Single();
    int Count(string name) => (int)counters.Attribute(name);
    string Describe(XElement result)
    {
        var error = result.Descendants(ns + "ErrorInfo").FirstOrDefault();
        string message = $"{(string)error?.Element(ns + "Message")}\n{(string)error?.Element(ns + "StackTrace")}";
        return DescribeFailure((string)result.Attribute("testName"), message.Split('\n').Take(MostLines));
    }
    var failures = run.Descendants(ns + "UnitTestResult")
        .Where(result => (string)result.Attribute("outcome") is not ("Passed" or "NotExecuted"))
        .Select(Describe);
    // Skipped tests are those that were not executed; the file's own "notExecuted" stays 0.
    return new Tally(
        Count("passed"),
        Count("executed") - Count("passed"),
        Count("total") - Count("executed"),
        string.Concat(failures)
    );
}

// Replays the built-in traces on every backend, type and instruction set.
Tally RunVerify() =>
    Verify("dotnet", $"run --project src/NativeRanger.Cli --configuration {Configuration} --no-build -- verify");

// Replays them with the published command line, on a GPU that the tests' driver only pretends to have.
Tally RunPublishedVerify()
{
    PublishCommandLine();
    return Verify(
        $"{CommandLine}/NativeRanger.Cli",
        "verify --backend cuda",
        new() { ["NATIVERANGER_CUDA_DRIVER"] = MakeAbsolute(File($"{NativeOutput}/tests/libstandin_cuda.so")).FullPath }
    );
}

// The command ends with its own tally.
Tally Verify(string program, string arguments, Dictionary<string, string> environment = null)
{
    string last = "";
    var settings = new ProcessSettings
    {
        Arguments = arguments,
        EnvironmentVariables = environment,
        RedirectStandardOutput = true,
        RedirectedStandardOutputHandler = line =>
        {
            if (!string.IsNullOrWhiteSpace(line))
            {
                Console.WriteLine(line);
                last = line;
            }
            return line;
        },
    };
    int exitCode = StartProcess(program, settings);

    var tally = Regex.Match(last, @"^(\d+) passed, (\d+) failed, (\d+) skipped$");
    int Count(int group) => int.Parse(tally.Groups[group].Value);
    return tally.Success
        ? new Tally(Count(1), Count(2), Count(3), Count(2) > 0 ? $"FAILED {arguments}: see above\n" : "").OrFailure(arguments, exitCode)
        : new Tally(0, 1, 0, $"FAILED {arguments}: it ended without a tally\n");
}

void Report(Tally tally)
{
    // build.sh ends with these lines, after Cake's own report.
    System.IO.File.WriteAllText($"{TestResults}/summary.txt", $"{tally.Failures}{tally}\n");
    Console.WriteLine(tally);
    if (tally.Failed > 0)
    {
        throw new CakeException("Tests failed.");
    }
    if (tally.Passed == 0)
    {
        throw new CakeException("No test ran.");
    }
}

Task("NativeTest")
    .Description("Runs the tests of the C contract (CTest).")
    .IsDependentOn("Native")
    .Does(() => Report(RunNativeTests()));

Task("ManagedTest")
    .Description("Runs the .NET tests.")
    .IsDependentOn("PackBuilt")
    .Does(() => Report(RunManagedTests()));

Task("Test")
    .Description("Builds everything and runs all tests (the default).")
    .IsDependentOn("PackBuilt")
    .Does(() =>
    {
        Report(RunNativeTests() + RunManagedTests() + RunVerify() + RunPublishedVerify());
    });

const string CommandLineProgram = "src/NativeRanger.Cli/bin/Release/net10.0/NativeRanger.Cli.dll";
const string MpiOutput = "artifacts/mpi";

// Runs a .NET program on ranks of Open MPI, more than there are processors if need be, also as root of a container.
void Launch(int ranks, string program)
{
    if (Context.Tools.Resolve("mpirun.openmpi") is null)
    {
        throw new CakeException("There is no mpirun of Open MPI: apt-get install openmpi-bin.");
    }

    Run("mpirun.openmpi", $"--allow-run-as-root --oversubscribe --bind-to none -n {ranks} dotnet {program}");
}

// Trains in one process and on four ranks, which must give the same losses, digit for digit.
void TrainTogether(string name, string options)
{
    string command = $"{CommandLineProgram} train --optimizer ranger --lr 0.03 --micro-batches 4 {options}";
    Run("dotnet", $"{command} --output {MpiOutput}/{name}-alone");
    Launch(4, $"{command} --distributed --output {MpiOutput}/{name}-together");
    string Losses(string who) => System.IO.File.ReadAllText($"{MpiOutput}/{name}-{who}/loss.csv");
    if (Losses("alone") != Losses("together"))
    {
        throw new CakeException($"Four ranks train on {name} to other losses than one process.");
    }

    Information($"Four ranks train on {name} to the losses of one process, digit for digit.");
}

// Both launchers are installed by build.sh where that is allowed; without one, the tests that need it are skipped.
Task("Mpi")
    .Description("Tests sharded steps over MPI, and trains on four ranks: the digits, and Fashion-MNIST where it is installed.")
    .IsDependentOn("Build")
    .Does(() =>
    {
        const string FashionMnist = "/usr/share/datasets/fashion-mnist";
        Run(
            "dotnet",
            $"test tests/NativeRanger.Mpi.Tests --configuration {Configuration} --no-build --nologo "
                + "--logger \"console;verbosity=normal\""
        );
        TrainTogether("digits", "--epochs 5");
        if (DirectoryExists(FashionMnist))
        {
            TrainTogether("fashion-mnist", $"--data {FashionMnist} --epochs 1");
        }
        else
        {
            Information($"{FashionMnist} is not there (apt-get install dataset-fashion-mnist): not trained on.");
        }
    });

Task("Faults")
    .Description("Runs the tests of the fault list and writes tests/FAULTS.md from their reports.")
    .IsDependentOn("Build")
    .Does(() =>
    {
        // Whether they pass or not: the table says.
        var folder = MakeAbsolute(Directory("artifacts/faults"));
        EnsureDirectoryExists(folder);
        CleanDirectory(folder);
        ExitCodeOf("ctest", $"--test-dir {NativeBuild} --tests-regex Fault_ --output-junit \"{folder}/native.xml\"");
        ExitCodeOf(
            "dotnet",
            $"test {Solution} --configuration {Configuration} --no-build --nologo "
                + $"--filter FullyQualifiedName~.Fault_ --logger \"trx;LogFilePrefix=tests\" --results-directory \"{folder}\""
        );
        Run("dotnet", $"tests/NativeRanger.Tests/bin/{Configuration}/net10.0/NativeRanger.Tests.dll WriteFaultTable {folder} tests/FAULTS.md");
    });

Task("Fuzz")
    .Description("Looks for inputs that the library does not bear, for --minutes=1.")
    .IsDependentOn("Build")
    .Does(() => Run("tests/fuzz", Argument("minutes", "1")));

Task("Sanitize")
    .Description("Sanitizers, valgrind, clang-tidy and cppcheck on the native code; --args=\"tidy cppcheck\" is some of them.")
    .IsDependentOn("Build")
    .Does(() => Run("tests/sanitize", programArguments));

Task("Soak")
    .Description("Kills and resumes runs against twins that are not killed, for --minutes=60.")
    .IsDependentOn("Build")
    .Does(() =>
    {
        string minutes = Argument("minutes", "60");
        Run("dotnet", $"tests/NativeRanger.Tests/bin/{Configuration}/net10.0/NativeRanger.Tests.dll Soak {minutes}");
    });

Task("Coverage")
    .Description("Measures which lines and branches the tests reach, and fails where one is neither reached nor explained.")
    .IsDependentOn("Build")
    .Does(() => Run("tests/coverage", ""));

// ---- Running -----------------------------------------------------------------------------------------------------------

Task("Train")
    .Description("Builds everything and trains on the embedded digits; --args=\"…\" is passed on to train.")
    .IsDependentOn("Build")
    .Does(() => RunProject("src/NativeRanger.Cli", $"train {programArguments}"));

const string Benchmarks = "bench/NativeRanger.Benchmarks";
const string BenchOutput = "artifacts/bench";

// The commit, with -dirty where files have been changed.
string Commit()
{
    StartProcess(
        "git",
        new ProcessSettings { Arguments = "describe --always --dirty --exclude *", RedirectStandardOutput = true },
        out IEnumerable<string> name
    );
    return name.FirstOrDefault() ?? "unknown";
}

Task("Bench")
    .Description("Measures everything; --quick in under two minutes; --args=\"…\" is for BenchmarkDotNet, which then runs alone.")
    .IsDependentOn("Build")
    .Does(() =>
    {
        string quick = HasArgument("quick") ? "--quick " : "";
        string all = quick == "" ? "--filter *" : "--filter *CallBenchmarks* *ManyTensorsBenchmarks*";
        void Managed(string arguments) => RunProject(Benchmarks, arguments);
        if (programArguments == "")
        {
            Run("cmake", $"--build {NativeBuild} --target nativeranger_bench");
            EnsureDirectoryExists(BenchOutput);
            string circumstances = $"{BenchOutput}/circumstances.json";
            Managed($"circumstances {Commit()} {circumstances}");
            string kept = $"{quick}--circumstances {circumstances} --json {BenchOutput}";
            Run($"{NativeBuild}/bench/nativeranger_bench", $"{kept}/native.json");
            Run("bench/peers", $"{kept}/peers.json");
            Managed($"peers {quick}{circumstances} {BenchOutput}/managed.json");
            Managed($"scaling {quick}{circumstances} {BenchOutput}/scaling.json");
        }

        Managed($"{quick}--artifacts {BenchOutput}/managed {(programArguments == "" ? all : programArguments)}");
    });

const string BenchmarkProgram = "bench/NativeRanger.Benchmarks/bin/Release/net10.0/NativeRanger.Benchmarks.dll";

Task("BenchDistributed")
    .Description("Measures sharded steps with 2 to 4 ranks, and writes the model of bench/distributed/README.md; --quick for small ones.")
    .IsDependentOn("Build")
    .Does(() =>
    {
        bool quick = HasArgument("quick");
        string results = $"{(quick ? BenchOutput : "bench/results")}/distributed.json", run = $"{MpiOutput}/large-run";
        EnsureDirectoryExists(BenchOutput);
        EnsureDirectoryExists(MpiOutput);
        DeleteFiles($"{MpiOutput}/large-run*");
        DeleteFiles(results);
        void OnRanks(int ranks, string arguments) => Launch(ranks, $"{BenchmarkProgram} distributed {arguments}");
        foreach (int ranks in new[] { 2, 3, 4 })
        {
            OnRanks(ranks, $"measure {results}{(quick ? " --quick" : "")}");
        }

        string parameters = quick ? "1000000" : "100000000";
        OnRanks(4, $"train {run} {parameters} 3");
        OnRanks(2, $"train {run} {parameters} 3");
        DeleteFiles($"{MpiOutput}/large-run*");
        if (!quick)
        {
            Run("dotnet", $"{BenchmarkProgram} distributed report {results} bench/distributed/README.md");
        }
    });

Task("Instructions")
    .Description("Counts the instructions of every kernel's step, and fails where one has become longer (valgrind).")
    .IsDependentOn("Native")
    .Does(() =>
    {
        Run("cmake", $"--build {NativeBuild} --target nativeranger_one_step");
        Run("bench/instructions", "");
    });

Task("BenchRecord")
    .Description("Keeps the results of the last Bench in bench/results, and writes the tables of bench/README.md from them.")
    .IsDependentOn("Build")
    .Does(() =>
    {
        EnsureDirectoryExists("bench/results");
        foreach (string study in new[] { "native", "peers", "managed", "scaling" })
        {
            CopyFile($"{BenchOutput}/{study}.json", $"bench/results/{study}.json");
        }

        RunProject(Benchmarks, "report bench/results bench/README.md");
    });

// ---- Formatting --------------------------------------------------------------------------------------------------------

const string NativeSources = "{native,bench/native}/**/*.{h,hpp,inl,c,cpp,cu}";

// Other versions of clang-format break lines elsewhere, so only version 14 may judge or change the native sources.
string ClangFormat14() =>
    new[] { "clang-format-14", "clang-format" }.FirstOrDefault(program =>
    {
        if (Context.Tools.Resolve(program) is null)
        {
            return false;
        }

        StartProcess(
            program,
            new ProcessSettings { Arguments = "--version", RedirectStandardOutput = true },
            out IEnumerable<string> version
        );
        return version.Any(line => line.Contains("version 14."));
    });

void FormatNative(string mode)
{
    string clangFormat = ClangFormat14();
    if (clangFormat is null)
    {
        Warning("clang-format 14 is not installed: the native sources were neither formatted nor checked.");
        return;
    }

    Run(clangFormat, $"{mode} {string.Join(' ', GetFiles(NativeSources).Select(file => $"\"{file}\""))}");
}

Task("Format")
    .Description("Formats every source file (CSharpier, clang-format 14).")
    .Does(() =>
    {
        Run("dotnet", "csharpier format .");
        FormatNative("-i");
    });

Task("FormatCheck")
    .Description("Fails if a source file is not formatted.")
    .Does(() =>
    {
        Run("dotnet", "csharpier check .");
        FormatNative("--dry-run -Werror --ferror-limit=1");
    });

RunTarget(target);
