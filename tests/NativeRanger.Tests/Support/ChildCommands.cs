using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using MathNet.Numerics.Providers.LinearAlgebra;
using NativeRanger.Cli.Commands;
using NativeRanger.Numerics;
using NativeRanger.Tests.Checkpoints;
using NativeRanger.Tests.Faults;

namespace NativeRanger.Tests.Support;

/// <summary>What a child process can be asked to do. An exception is an exit code of 1, and its text goes to the error stream.</summary>
internal static partial class ChildCommands
{
    private static readonly Ranger Recipe = new() { LearningRate = 0.1 };

    /// <summary>Loads the native library and tells which.</summary>
    public static void Load() => Console.WriteLine(NativeBackend.LibraryPath);

    /// <summary>
    /// Computes with subnormal numbers on this thread and on a new one, before the library is loaded, afterwards, and after a
    /// step; tells the results, which are 0 where they are flushed.
    /// </summary>
    public static void ShowSubnormals()
    {
        Show();
        _ = NativeBackend.LibraryPath;
        Show();
        using var stepper = Recipe.Bind(new float[100_000]);
        stepper.Step(new float[100_000]);
        Show();

        static void Show()
        {
            var elsewhere = 0.0;
            var thread = new Thread(() => elsewhere = Product(2.2250738585072014E-308, 0.5));
            thread.Start();
            thread.Join();
            Console.WriteLine($"{Product(2.2250738585072014E-308, 0.5):R} {elsewhere:R}");
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static double Product(double smallestNormal, double half) => smallestNormal * half;
    }

    /// <summary>Steps without the native library.</summary>
    public static void StepManaged()
    {
        using var stepper = Recipe.Bind(new float[] { 1 }, Backend.Managed);
        stepper.Step([1]);
        Console.WriteLine(stepper.StepCount);
    }

    /// <summary>Tells why there is no device.</summary>
    public static void OpenDevice() =>
        Console.WriteLine(Backend.TryCuda(0, out _, out var reason) ? "there is one" : reason);

    /// <summary>Asks a device for more threads than a block has, and tells what it says.</summary>
    public static void LaunchTooManyThreads()
    {
        const string Nothing =
            ".version 6.3\n.target sm_70\n.address_size 64\n.visible .entry nothing(\n)\n{\nret;\n}\n";
        if (!Backend.TryCuda(0, out var gpu, out var reason))
        {
            throw new InvalidOperationException(reason);
        }

        using var module = gpu.LoadModule(Nothing);
        try
        {
            module.Kernel("nothing").Launch(1, 1025);
        }
        catch (ArgumentException refused)
        {
            Console.WriteLine(refused.Message);
        }
    }

    /// <summary>Writes tests/FAULTS.md from the reports of a run of the tests.</summary>
    public static void WriteFaultTable(string reports, string table) =>
        File.WriteAllText(table, FaultTable.Compose(FaultTest.FindAll(), FaultTable.ReadResults(reports)));

    /// <summary>Writes the checkpoints that later versions must be able to read.</summary>
    public static void SaveGoldenCheckpoints(string folder) => GoldenCheckpointTests.SaveAll(folder);

    /// <summary>Goes on with runs that another process has interrupted; tells how many, and which end in other bits.</summary>
    public static void ResumeInterruptedRuns(string path) => InterruptedRuns.Resume(path, Console.Out);

    /// <summary>The command info of the command line.</summary>
    public static void Info() => CommandLine.Run(["info"], Console.Out, Console.Error);

    /// <summary>Steps with the assemblies of two folders at once; tells which libraries they use and whether they agree.</summary>
    public static void StepTwoCopies(string folder)
    {
        var copy = new Copy(folder);
        Console.WriteLine(NativeBackend.LibraryPath);
        Console.WriteLine(copy.LibraryPath);
        var (ours, theirs) = (new float[] { 1, 2, 3 }, new float[] { 1, 2, 3 });
        using var stepper = new Ranger().Bind(ours);
        var step = copy.Bind(theirs);
        for (var t = 0; t < 12; t++)
        {
            stepper.Step([1, -2, t]);
            step([1, -2, t]);
        }

        Console.WriteLine(ours.AsSpan().SequenceEqual(theirs) && ours[0] != 1 ? "same bits" : "other bits");
    }

    /// <summary>Unloads the assembly while a stepper of it is alive, then lets go of that.</summary>
    public static void StepAfterUnloading(string folder)
    {
        var unloaded = Unload(folder);
        for (var i = 0; i < 20 && unloaded.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Console.WriteLine(unloaded.IsAlive ? "still loaded" : "unloaded");
        var values = new float[] { 1 };
        using var stepper = Recipe.Bind(values);
        stepper.Step([1]);
        Console.WriteLine(values[0] < 1 ? "stepped elsewhere" : "not stepped");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Unload(string folder)
    {
        var copy = new Copy(folder);
        var values = new float[] { 1 };
        var step = copy.Bind(values);
        copy.Unload();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        step([1]);
        Console.WriteLine(values[0] < 1 ? "stepped after unloading" : "not stepped");
        return new(copy);
    }

    /// <summary>The library's assembly once more, from a folder, in a context that can be unloaded.</summary>
    private sealed class Copy(string folder) : AssemblyLoadContext(isCollectible: true)
    {
        private Assembly Library => LoadFromAssemblyPath(Path.Combine(folder, "NativeRanger.dll"));

        public object LibraryPath =>
            Library.GetType("NativeRanger.NativeBackend")!.GetProperty("LibraryPath")!.GetValue(null)!;

        /// <summary>Binds the defaults of Ranger to an array; returns its step.</summary>
        public Action<float[]> Bind(float[] values)
        {
            var recipe = Activator.CreateInstance(Library.GetType("NativeRanger.Ranger")!)!;
            var bind = recipe
                .GetType()
                .GetMethods()
                .Single(m => m is { Name: "Bind", IsGenericMethod: true } && TakesArray(m.GetParameters()));
            var backend = Library.GetType("NativeRanger.Backend")!.GetProperty("Native")!.GetValue(null);
            var stepper = bind.MakeGenericMethod(typeof(float)).Invoke(recipe, [values, backend])!;
            var step = stepper
                .GetType()
                .GetMethod("Step", [typeof(float[]), typeof(double?)])!
                .CreateDelegate<Func<float[], double?, bool>>(stepper);
            return gradient => step(gradient, null);
        }

        private static bool TakesArray(ParameterInfo[] parameters) =>
            parameters.Length == 2 && parameters[0].ParameterType.IsArray;
    }

    /// <summary>The instruction set that was chosen.</summary>
    public static void ShowInstructionSet() => Console.WriteLine(NativeBackend.Instance.InstructionSet);

    /// <summary>The most threads of a step.</summary>
    public static void ShowThreads() => Console.WriteLine(NativeBackend.MaxDegreeOfParallelism);

    /// <summary>Steps on one thread, then on several while every thread of the pool is taken: by others, then by steps themselves.</summary>
    public static void StepBesideABusyPool()
    {
        const int Length = 400_000;
        var gradient = Enumerable.Range(0, Length).Select(i => (float)(i % 7)).ToArray();
        var asked = ThreadPool.CompletedWorkItemCount + ThreadPool.PendingWorkItemCount;
        var expected = Stepped(threads: 1);
        var helped = ThreadPool.CompletedWorkItemCount + ThreadPool.PendingWorkItemCount > asked;
        Console.WriteLine(helped ? "helped" : "alone");
        using var release = new ManualResetEventSlim();
        ThreadPool.GetMinThreads(out var threads, out var completions);
        ThreadPool.SetMaxThreads(threads, completions);
        using (var taken = new CountdownEvent(threads))
        {
            for (var i = 0; i < threads; i++)
            {
                ThreadPool.UnsafeQueueUserWorkItem(
                    _ =>
                    {
                        taken.Signal();
                        release.Wait();
                    },
                    state: null
                );
            }

            taken.Wait();
            Tell(Stepped(threads: 8));
            release.Set();
        }

        var results = new float[4][];
        Parallel.For(0, results.Length, i => results[i] = Stepped(threads: 8));
        Tell(results);

        void Tell(params float[][] all) =>
            Console.WriteLine(all.All(values => values.AsSpan().SequenceEqual(expected)) ? "same bits" : "other bits");

        float[] Stepped(int threads)
        {
            var values = new float[Length];
            var recipe = Recipe with { ClipNorm = 1 };
            using var stepper = recipe.Bind(values, NativeBackend.On(InstructionSet.Auto, threads));
            for (var t = 0; t < 7; t++)
            {
                stepper.Step(gradient);
            }

            return values;
        }
    }

    /// <summary>Saves the old and then the new checkpoint, dying at a call of the second save; tells which calls there were.</summary>
    public static void DieWhileSaving(string path, string at)
    {
        using var stepper = Prepare(path);
        FailingCalls.Arm(FailingCalls.Files, int.Parse(at), FailingCalls.Die);
        stepper.Save(path);
        FailingCalls.Disarm();
        Console.WriteLine(FailingCalls.Log);
    }

    /// <summary>Lets each call of a save fail in turn; after each the file must be as <paramref name="path"/> was.</summary>
    public static void FailWhileSaving(string path, string error)
    {
        using var stepper = Prepare(path);
        var old = File.ReadAllBytes(path);
        for (var at = 1; ; at++)
        {
            FailingCalls.Arm(FailingCalls.Files, at, int.Parse(error));
            IOException? failure = null;
            try
            {
                stepper.Save(path);
            }
            catch (IOException thrown)
            {
                failure = thrown;
            }

            var calls = FailingCalls.Disarm();
            if (calls < at)
            {
                Assert.Null(failure);
                Console.WriteLine(FailingCalls.Log);
                return;
            }

            Assert.Single(Directory.GetFileSystemEntries(Path.GetDirectoryName(path)!));
            Console.WriteLine($"{FailingCalls.Log.Split(' ')[at - 1]}: {failure?.Message ?? "tolerated"}");
            if (failure is null || failure.Message.Contains("has been replaced", StringComparison.Ordinal))
            {
                Assert.NotEqual(old, File.ReadAllBytes(path));
                File.WriteAllBytes(path, old);
            }
            else
            {
                Assert.Equal(old, File.ReadAllBytes(path));
            }
        }
    }

    /// <summary>Lets each allocation of a call fail in turn; after each everything must be as it was, and the call can be repeated.</summary>
    public static void FailWhileAllocating(string path)
    {
        var values = new float[3000];
        var stepper = (Recipe with { ClipNorm = 1 }).Bind(values, rows: 30, columns: 100);
        stepper.AddAverage(new ExponentialAverage());
        stepper.Step(new float[3000]);
        stepper.Save(path);

        var gradient = new float[values.Length];
        Exhaust("bind", () => Recipe.Bind(new float[3000], rows: 30, columns: 100).Dispose());
        // Mapped instead of allocated: more than a huge page.
        Exhaust("bind large", () => Recipe.Bind(new float[600_000]).Dispose());
        Exhaust("add a group", () => Added(stepper), keeps: true);
        Exhaust("add an average", () => stepper.AddAverage(new StochasticAverage()), keeps: true);
        // The step after a change cuts the work anew.
        float[]?[] gradients = [gradient, .. Enumerable.Repeat<float[]?>(null, stepper.Parameters.Count - 1)];
        Exhaust("step", () => stepper.Step(gradients), keeps: true);
        using var saved = (Recipe with { ClipNorm = 1 }).Bind(values, rows: 30, columns: 100);
        Exhaust("save", () => saved.Save(path));
        Exhaust("resume", () => (Recipe with { ClipNorm = 1 }).Resume(values, 30, 100, path).Dispose());
        stepper.Dispose();
        Assert.Equal(0, FailingCalls.Outstanding);

        void Exhaust(string what, Action action, bool keeps = false)
        {
            var failures = 0;
            for (var at = 1; ; at++)
            {
                var before = Save(stepper);
                var blocks = FailingCalls.Outstanding;
                FailingCalls.Arm(FailingCalls.Memory, at, FailingCalls.NoMemory);
                Exception? failure = null;
                try
                {
                    action();
                }
                catch (OutOfMemoryException thrown)
                {
                    failure = thrown;
                }

                var calls = FailingCalls.Disarm();
                if (!keeps)
                {
                    Assert.Equal($"{what} {at}: {blocks}", $"{what} {at}: {FailingCalls.Outstanding}");
                }

                if (calls < at)
                {
                    Assert.Null(failure);
                    break;
                }

                if (failure is not null)
                {
                    failures++;
                    Assert.Equal(before, Save(stepper));
                    Assert.Single(Directory.GetFileSystemEntries(Path.GetDirectoryName(path)!));
                }
            }

            Console.WriteLine($"{what}: {failures}");
        }

        static void Added(Stepper<float> stepper) =>
            stepper.AddGroup(new(Parameter.Of($"p{stepper.Parameters.Count}", new float[10])));
    }

    /// <summary>Compares the native library with the reference on MathNet's native provider.</summary>
    public static void CompareUnderProvider() => Conformance.ProviderConformance.Compare();

    /// <summary>Asks MathNet for a native provider, and tells which one is in use.</summary>
    public static void ProbeProvider()
    {
        Console.WriteLine(MathNet.Numerics.Control.TryUseNativeMKL());
        Console.WriteLine(LinearAlgebraControl.Provider);
    }

    /// <summary>Runs the command line, with MathNet's provider as a process of its own finds it.</summary>
    public static void RunCommand(string arguments)
    {
        var code = CommandLine.Run(arguments.Split(' '), Console.Out, Console.Error);
        Console.Out.Flush();
        Environment.Exit(code);
    }

    private static Stepper<float> Prepare(string path)
    {
        var stepper = Recipe.Bind(new float[100], Backend.Managed);
        stepper.Save(path);
        stepper.Step(new float[100]);
        return stepper;
    }

    private static byte[] Save(Stepper<float> stepper)
    {
        using var stream = new MemoryStream();
        stepper.Save(stream);
        return stream.ToArray();
    }
}

/// <summary>The preloaded library that lets calls of this thread fail.</summary>
internal static unsafe class FailingCalls
{
    public const int Files = 1;
    public const int Memory = 2;

    /// <summary>Instead of an error number: the process is killed at the call.</summary>
    public const int Die = 0;
    public const int InputOutputError = 5;
    public const int NoMemory = 12;
    public const int NoSpace = 28;

    private static readonly nint Library = NativeLibrary.Load(Child.Helper("failing_calls"));

    /// <summary>The names of the calls between arming and disarming.</summary>
    public static string Log => Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)Export("log"))())!.TrimEnd();

    /// <summary>A child in which this class works.</summary>
    /// <param name="start">The child.</param>
    /// <param name="directory">A directory for what it needs.</param>
    public static Child Run(Child.Start start, string directory)
    {
        start.Environment["LD_PRELOAD"] = Child.Helper("failing_calls");

        // P/Invokes look functions up in the library that they name, which preloading does not change; this name is tried first.
        File.CreateSymbolicLink(Path.Combine(directory, "libc.so"), Child.Helper("failing_calls"));
        start.Environment["LD_LIBRARY_PATH"] = directory;
        return start.Run();
    }

    public static void Arm(int kind, int at, int error) =>
        ((delegate* unmanaged<int, int, int, void>)Export("arm"))(kind, at, error);

    /// <summary>Returns how many calls there were.</summary>
    public static int Disarm() => ((delegate* unmanaged<int>)Export("disarm"))();

    /// <summary>How many blocks that were allocated while armed have not been freed since.</summary>
    public static int Outstanding => ((delegate* unmanaged<int>)Export("outstanding"))();

    private static nint Export(string name) => NativeLibrary.GetExport(Library, "nr_calls_" + name);
}
