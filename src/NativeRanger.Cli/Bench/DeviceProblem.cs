using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;

namespace NativeRanger.Cli.Bench;

/// <summary>A step on a device, in its memory and from arrays of the host, beside a copy within its memory.</summary>
internal abstract class DeviceProblem : IDisposable
{
    /// <summary>Copies as many elements as the parameter has.</summary>
    public abstract Variant Copy { get; }

    /// <summary>The step on buffers of the device.</summary>
    public abstract Variant Step { get; }

    /// <summary>The step on arrays of the host, which are copied there and back.</summary>
    public abstract Variant HostStep { get; }

    public abstract void Dispose();

    public static DeviceMeasurement Measure(CudaBackend gpu, BenchCase what, double seconds)
    {
        using DeviceProblem problem =
            what.Type is BenchCase.Float64 ? new DeviceProblem<double>(gpu, what) : new DeviceProblem<float>(gpu, what);
        var times = Interleaved.Compare([problem.Copy, problem.Step, problem.HostStep], seconds);
        var bytes = what.Algorithm.BytesPerElement(what.ElementBytes);
        var nanoseconds = 1e9 * Interleaved.Median(times[1]) / what.Elements;
        return new(
            what.Algorithm.Algorithm,
            what.Algorithm.Centralised,
            what.Type,
            gpu.DeviceName,
            what.Shape.Rows,
            what.Elements,
            what.WorkingSetBytes,
            nanoseconds,
            bytes / nanoseconds,
            Interleaved.MedianRatio(times[0], times[1]) * bytes / (2 * what.ElementBytes),
            1e9 * Interleaved.Median(times[2]) / what.Elements
        );
    }
}

/// <inheritdoc/>
/// <typeparam name="T">float or double.</typeparam>
internal sealed unsafe class DeviceProblem<T> : DeviceProblem
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int Chunk = 1 << 24;

    private readonly CudaBackend gpu;
    private readonly BenchCase what;
    private readonly T*[] host = new T*[2];
    private readonly List<DeviceBuffer<T>> buffers = [];
    private readonly Stepper<T> stepper;
    private readonly Stepper<T> hostStepper;
    private readonly Gradient<T>[] gradient;
    private readonly Gradient<T>[] hostGradient;

    public DeviceProblem(CudaBackend gpu, BenchCase what)
    {
        this.gpu = gpu;
        this.what = what;
        var (rows, columns) = what.Shape;
        for (var i = 0; i < host.Length; i++)
        {
            host[i] = (T*)NativeMemory.Alloc((nuint)what.Elements, (nuint)sizeof(T));
            BenchValues.Fill(host[i], what.Elements, seed: i + 1);
        }

        // Parameter, gradient, and what the parameter is copied to.
        for (var i = 0; i < 3; i++)
        {
            buffers.Add(gpu.Allocate<T>(what.Elements));
        }

        for (var i = 0; i < host.Length; i++)
        {
            for (var begin = 0L; begin < what.Elements; begin += Chunk)
            {
                var length = (int)Math.Min(Chunk, what.Elements - begin);
                buffers[i].CopyFrom(new ReadOnlySpan<T>(host[i] + begin, length), begin);
            }
        }

        gradient = [buffers[1]];
        hostGradient = [new(host[1], what.Elements)];
        stepper = what.Algorithm.Recipe.Bind([new Parameter<T>("parameters", buffers[0], rows, columns)], gpu);
        hostStepper = what.Algorithm.Recipe.Bind(
            [new Parameter<T>("parameters", host[0], what.Elements, rows, columns)],
            gpu
        );
        hostStepper.Step((ReadOnlySpan<Gradient<T>>)hostGradient);
    }

    public override Variant Copy => OnDevice(() => buffers[2].CopyFrom(buffers[0]), 1);

    public override Variant Step =>
        OnDevice(() => stepper.Step((ReadOnlySpan<Gradient<T>>)gradient), Math.Max(1, what.Algorithm.Period));

    public override Variant HostStep =>
        Variant.Of(() => hostStepper.Step((ReadOnlySpan<Gradient<T>>)hostGradient), Math.Max(1, what.Algorithm.Period));

    public override void Dispose()
    {
        stepper.Dispose();
        hostStepper.Dispose();
        buffers.ForEach(b => b.Dispose());
        foreach (var array in host)
        {
            NativeMemory.Free(array);
        }
    }

    /// <summary>What is put into the stream is timed until the device has done it.</summary>
    private Variant OnDevice(Action action, int cycle) =>
        new(
            (untimed, timed) =>
            {
                Repeat(untimed);
                var start = Stopwatch.GetTimestamp();
                Repeat(timed);
                return Stopwatch.GetElapsedTime(start).TotalSeconds;

                void Repeat(long times)
                {
                    for (var i = 0L; i < times; i++)
                    {
                        action();
                    }

                    gpu.Synchronize();
                }
            },
            cycle
        );
}
