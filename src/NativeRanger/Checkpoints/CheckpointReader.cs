using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeRanger.Checkpoints;

/// <summary>
/// Resumes a stepper from a checkpoint. The state is read into the new stepper, and the parameters into memory of their own
/// that is copied into the caller's arrays last, when nothing can fail any more.
/// </summary>
internal sealed class CheckpointReader<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Stream stream;
    private readonly CheckpointHeader header;
    private readonly Stepper<T> stepper;
    private readonly ResumePlan<T> plan;
    private readonly ResumeOptions options;
    private readonly List<(Parameter<T> Parameter, NativeStateArray<T> Values)> staged = [];

    private CheckpointReader(Stream stream, CheckpointHeader header, Stepper<T> stepper, ResumeOptions options)
    {
        this.stream = stream;
        this.header = header;
        this.stepper = stepper;
        this.options = options;
        plan = ResumePlan<T>.Of(header.Manifest, stepper, options.AllowChangedOptions);
    }

    private sealed record Target(Slicer<T> Slice, uint Checksum);

    /// <summary>Reads a checkpoint, whole or not at all.</summary>
    /// <param name="bind">Binds the recipe, and thereby validates what the caller gave; called once the header is sound.</param>
    /// <param name="stream">The checkpoint; it is read up to the checkpoint's end.</param>
    /// <param name="wholeFile">Whether nothing may follow the checkpoint.</param>
    /// <param name="options">The options.</param>
    public static Stepper<T> Resume(Func<Stepper<T>> bind, Stream stream, bool wholeFile, ResumeOptions options)
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("Checkpoints are little-endian, and so must the processor be.");
        }

        var read = CheckpointHeader.Read(stream);
        if (wholeFile)
        {
            read.Tensors.RequireEnd(stream);
        }

        var bound = bind();
        try
        {
            using var reader = new CheckpointReader<T>(stream, read, bound, options);
            reader.Restore();
            return bound;
        }
        catch
        {
            bound.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var (_, values) in staged)
        {
            values.Dispose();
        }
    }

    private void Restore()
    {
        if (!options.AllowChangedOptions)
        {
            RestoreOptions();
        }

        ReadTensors(Targets());
        foreach (var (counter, value) in plan.Counters)
        {
            counter.Value = value;
        }

        stepper.RestoreCounts(header.Manifest.StepCount, header.Manifest.SkippedSteps);
        foreach (var (parameter, values) in staged)
        {
            for (var start = 0L; start < values.Length; start += CheckpointWriter<T>.SliceLength)
            {
                var length = (int)Math.Min(CheckpointWriter<T>.SliceLength, values.Length - start);
                values.Slice(start, length).CopyTo(parameter.Slice(start, length));
            }
        }
    }

    /// <summary>The options that groups had when they were saved, where they had been changed between steps.</summary>
    private void RestoreOptions()
    {
        foreach (var (group, saved) in plan.Groups)
        {
            if (!saved.Current.Differences(saved.Bound).Any())
            {
                continue;
            }

            try
            {
                group.Optimizer = saved.Current.ToOptimizer();
            }
            catch (ArgumentException refused)
            {
                throw new InvalidDataException($"The checkpoint is damaged or hostile: {refused.Message}", refused);
            }
        }
    }

    private Dictionary<string, Target> Targets()
    {
        var targets = new Dictionary<string, Target>(StringComparer.Ordinal);
        foreach (var (array, saved) in plan.Arrays)
        {
            targets.Add(TensorNames.Of(saved.Name, array.Name), new(array.Slice, saved.Checksums[array.Name]));
        }

        if (header.Manifest.IncludesParameters)
        {
            foreach (var (parameter, saved) in plan.Parameters)
            {
                var values = new NativeStateArray<T>(0, TensorNames.Values, parameter.Length, ordinal: 0);
                staged.Add((parameter, values));
                targets.Add(
                    TensorNames.Of(saved.Name, TensorNames.Values),
                    new(values.Slice, saved.Checksums[TensorNames.Values])
                );
            }
        }

        return targets;
    }

    private void ReadTensors(Dictionary<string, Target> targets)
    {
        var total = header.Length + header.Tensors.DataLength;
        var done = (long)header.Length;
        foreach (var tensor in header.Tensors.Tensors)
        {
            var target = targets[tensor.Name];
            var length = (tensor.End - tensor.Begin) / Unsafe.SizeOf<T>();
            var crc = new Crc32C();
            for (var start = 0L; start < length; start += CheckpointWriter<T>.SliceLength)
            {
                var bytes = MemoryMarshal.AsBytes(
                    target.Slice(start, (int)Math.Min(CheckpointWriter<T>.SliceLength, length - start))
                );
                if (stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
                {
                    throw Safetensors.Truncated($"it ends within '{tensor.Name}'");
                }

                crc.Append(bytes);
                done += bytes.Length;
                options.Progress?.Report(new(done, total));
            }

            if (crc.Value != target.Checksum)
            {
                throw new InvalidDataException(
                    $"The checkpoint is damaged: '{tensor.Name}' has the CRC-32C {ManifestParameter.FormatChecksum(crc.Value)}; "
                        + $"it was saved with {ManifestParameter.FormatChecksum(target.Checksum)}."
                );
            }
        }
    }
}
