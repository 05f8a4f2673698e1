using NativeRanger.Checkpoints;

namespace NativeRanger;

public sealed unsafe partial class Stepper<T>
{
    /// <summary>
    /// Saves the whole state to a file, from which <c>recipe.Resume(…)</c> goes on as if never stopped, bit for bit. The file is
    /// replaced as a whole: whatever happens meanwhile, it is the old checkpoint or the new one.
    /// </summary>
    /// <remarks>
    /// The format is safetensors. A parameter is stored under its name ('%' and '/' in it as %25 and %2F), its state under
    /// <c>name/first_moment</c> and so on (<see cref="StateNames"/>), a column-major matrix with its extents reversed. The
    /// metadata hold the recipe with all options, those of the groups, averages, counters and a CRC-32C of every array and of
    /// the header. Of <see cref="Schedule"/> only the position is saved, which is <see cref="StepCount"/>: set it again. The new
    /// contents are written to a file beside the target, synchronised to disk and renamed; permissions are kept.
    /// <para>
    /// Where ranks share the steps (NativeRanger.Mpi), every rank writes its part to a file beside the target, and the target,
    /// which names those files, is written last. Any number of ranks, one process included, resumes from it.
    /// </para>
    /// </remarks>
    /// <param name="path">The file, existing or not; its directory exists.</param>
    /// <param name="options">What is saved, and who is told of progress.</param>
    /// <exception cref="IOException">The file cannot be written, is read-only, a directory, a link or no ordinary file; it is as it was.</exception>
    /// <exception cref="InvalidOperationException">
    /// Micro-batches have been accumulated, an evaluation scope is open, the stepper is in use, or an array was changed meanwhile.
    /// </exception>
    public void Save(string path, SaveOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Save(
            path,
            options,
            checkpoint =>
            {
                DurableFile.Write(path, checkpoint.Length, checkpoint.WriteTo);
                ShardFiles.RemoveOthers(path, kept: []);
            }
        );
    }

    /// <summary>Saves the whole state to a stream, at its position; it is flushed and stays open.</summary>
    /// <param name="stream">A stream that can be written; it need not be able to seek.</param>
    /// <param name="options">What is saved, and who is told of progress.</param>
    /// <exception cref="InvalidOperationException">As for <see cref="Save(string, SaveOptions?)"/>.</exception>
    public void Save(Stream stream, SaveOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        Save(
            path: null,
            options,
            checkpoint =>
            {
                checkpoint.WriteTo(stream);
                stream.Flush();
            }
        );
    }

    /// <summary>Sets the counts of a resumed stepper.</summary>
    internal void RestoreCounts(long steps, long skipped)
    {
        StepCount = steps;
        SkippedSteps = skipped;
    }

    /// <summary>Saves or loads while nobody steps, and no state is on the way.</summary>
    /// <exception cref="InvalidOperationException">As for <see cref="Save(string, SaveOptions?)"/>.</exception>
    /// <exception cref="NotSupportedException">Ranks share the state.</exception>
    internal void WhileIdle(Action action)
    {
        Enter();
        try
        {
            if (RefuseToSave() is { } refusal)
            {
                throw refusal;
            }

            if (!engine.HoldsAll)
            {
                throw new NotSupportedException(
                    "This rank holds a part of the state only: save a checkpoint, and resume it in one process first."
                );
            }

            action();
        }
        finally
        {
            Exit();
        }
    }

    private void Save(string? path, SaveOptions? options, Action<CheckpointWriter<T>> write)
    {
        Enter();
        try
        {
            options ??= new();
            var refusal = RefuseToSave();
            if (engine.Save(this, path, options, refusal))
            {
                return;
            }

            if (refusal is not null)
            {
                throw refusal;
            }

            write(CheckpointWriter<T>.Whole(this, options));
            engine.Saved(StepCount);
        }
        finally
        {
            Exit();
        }
    }

    private InvalidOperationException? RefuseToSave()
    {
        try
        {
            RefuseWhileEvaluating();
        }
        catch (InvalidOperationException refused)
        {
            return refused;
        }

        return accumulated.MicroBatches > 0
            ? new(
                $"{accumulated.MicroBatches} accumulated micro-batches would be lost; call {nameof(StepAccumulated)} before saving."
            )
            : null;
    }
}
