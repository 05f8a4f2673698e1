using System.Numerics;
using System.Runtime.CompilerServices;

namespace NativeRanger.Checkpoints;

/// <summary>
/// Resumes a stepper from a checkpoint. The state is read into the new stepper, and the parameters into memory of their own
/// that is copied into the caller's arrays last, when nothing can fail any more.
/// </summary>
internal sealed class CheckpointReader<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Stream stream;
    private readonly string? path;
    private readonly CheckpointHeader header;
    private readonly Stepper<T> stepper;
    private readonly ResumePlan<T> plan;
    private readonly ResumeOptions options;
    private readonly List<(Parameter<T> Parameter, NativeStateArray<T> Values)> staged = [];

    private CheckpointReader(
        Stream stream,
        string? path,
        CheckpointHeader header,
        Stepper<T> stepper,
        ResumeOptions options
    )
    {
        this.stream = stream;
        this.path = path;
        this.header = header;
        this.stepper = stepper;
        this.options = options;
        plan = ResumePlan<T>.Of(header.Manifest, stepper, options.AllowChangedOptions);
    }

    /// <summary>Reads a checkpoint, whole or not at all.</summary>
    /// <param name="bind">Binds the recipe, and thereby validates what the caller gave; called once the header is sound.</param>
    /// <param name="stream">The checkpoint; it is read up to the checkpoint's end.</param>
    /// <param name="path">The path of the file, beside which shards may be, and in which nothing may follow; null for a stream.</param>
    /// <param name="options">The options.</param>
    public static Stepper<T> Resume(Func<Stepper<T>> bind, Stream stream, string? path, ResumeOptions options)
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("Checkpoints are little-endian, and so must the processor be.");
        }

        var read = CheckpointHeader.Read(stream);
        if (read.Manifest.Shards is not null && path is null)
        {
            throw new NotSupportedException(
                "The arrays of this checkpoint are in files beside it: resume from its path, not from a stream."
            );
        }

        if (path is not null)
        {
            read.Tensors.RequireEnd(stream);
        }

        var bound = bind();
        try
        {
            using var reader = new CheckpointReader<T>(stream, path, read, bound, options);
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
        stepper.Engine.ConfirmResume(header.Checksum);
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

    private Dictionary<string, ArrayTarget<T>> Targets()
    {
        var targets = new Dictionary<string, ArrayTarget<T>>(StringComparer.Ordinal);
        foreach (var (array, saved) in plan.Arrays)
        {
            targets.Add(
                TensorNames.Of(saved.Name, array.Name),
                new(
                    array.Slice,
                    stepper.Engine.RangeOf(array.Parameter, array),
                    stepper.Parameters[array.Parameter].Rows
                )
            );
        }

        if (header.Manifest.IncludesParameters)
        {
            foreach (var (parameter, saved) in plan.Parameters)
            {
                var values = new NativeStateArray<T>(0, TensorNames.Values, parameter.Length);
                staged.Add((parameter, values));
                targets.Add(
                    TensorNames.Of(saved.Name, TensorNames.Values),
                    new(values.Slice, new(0, parameter.Length, ByRows: false), parameter.Rows)
                );
            }
        }

        return targets;
    }

    private void ReadTensors(Dictionary<string, ArrayTarget<T>> targets)
    {
        IEnumerable<StoredPart> parts;
        var done = (long)header.Length;
        var total = done;
        if (header.Manifest.Shards is null)
        {
            parts = WholeArrays();
            total += header.Tensors.DataLength;
        }
        else
        {
            // Of the other ranks' state nothing is read that this one does not need.
            bool Wanted(ShardPart part) => targets[part.Name].Needs(part.Range);
            var shards = new ShardSet(path!, header.Manifest, Unsafe.SizeOf<T>());
            parts = shards.Parts(Wanted);
            total += shards.BytesOf(Wanted);
        }

        var longest = stepper.Parameters.Max(parameter => parameter.Length);
        var buffer = new T[Math.Clamp(longest, 1, CheckpointWriter<T>.SliceLength)];
        foreach (var (source, part) in parts)
        {
            targets[part.Name]
                .Read(
                    source,
                    part,
                    buffer,
                    bytes =>
                    {
                        done += bytes;
                        options.Progress?.Report(new(done, total));
                    }
                );
        }
    }

    /// <summary>The arrays of the file itself, each as one part.</summary>
    private IEnumerable<StoredPart> WholeArrays()
    {
        var arrays = header.Manifest.Tensors.ToDictionary(
            pair => TensorNames.Of(pair.Parameter.Name, pair.Array),
            StringComparer.Ordinal
        );
        foreach (var tensor in header.Tensors.Tensors)
        {
            var (parameter, array) = arrays[tensor.Name];
            var range = new ArrayRange(0, (tensor.End - tensor.Begin) / Unsafe.SizeOf<T>(), ByRows: false);
            yield return new(stream, new(parameter.Name, array, range, parameter.Checksums[array]!.Value));
        }
    }
}
