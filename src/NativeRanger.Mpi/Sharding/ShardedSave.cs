using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using NativeRanger.Checkpoints;

namespace NativeRanger.Mpi;

/// <summary>How ranks save what they share, and resume it.</summary>
internal sealed unsafe class ShardedSave<T>(ShardConsensus<T> consensus)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Communicator communicator = consensus.Communicator;
    private AlignedMemory<ulong>? saveNumbers;

    /// <summary>
    /// Every rank writes its shard; once all are on disk, rank 0 writes the manifest that names them, which commits. Whatever
    /// fails before that leaves the checkpoint that was there, with its shards, as it was.
    /// </summary>
    public void Save(Stepper<T> stepper, string? path, SaveOptions options, Exception? refusal)
    {
        communicator.Enter();
        try
        {
            refusal ??= path is null
                ? new NotSupportedException(
                    "Ranks that share steps each write a file of their own: save to a path, not to a stream."
                )
                : null;
            var call = Fingerprint.Of($"{path}\n{options.IncludeParameters}");
            consensus.Agree(Operation.Save, call, refusal);

            var save = Share(RandomNumber())[0];
            var shard = ShardFiles.PathOf(path!, save, communicator.Rank, communicator.Size);
            var (checksum, failed) = Try(() =>
            {
                var writer = ShardFiles.Compose(
                    stepper,
                    options,
                    communicator.Rank,
                    communicator.Size,
                    out var headerChecksum
                );
                DurableFile.Write(shard, writer.Length, writer.WriteTo, partOf: path);
                return headerChecksum;
            });
            AgreeOrDelete(shard, call, failed);

            uint[] checksums = [.. Share(checksum).ToArray().Select(c => (uint)c)];
            (_, failed) = Try(() => communicator.Rank == 0 ? Commit(stepper, path!, options, save, checksums) : 0);

            // A manifest that may have been written keeps its shards; those of a failed save are deleted by the next one.
            consensus.Agree(Operation.Save, call, failed);
        }
        finally
        {
            communicator.Exit();
        }
    }

    public void ConfirmResume(uint checksum)
    {
        communicator.Enter();
        try
        {
            consensus.Agree(Operation.Resume, checksum);
        }
        finally
        {
            communicator.Exit();
        }
    }

    public void Free() => saveNumbers?.Free();

    private static uint Commit(Stepper<T> stepper, string path, SaveOptions options, ulong save, uint[] checksums)
    {
        ManifestShard[] files =
        [
            .. checksums.Select(
                (checksum, rank) =>
                    new ManifestShard(Path.GetFileName(ShardFiles.PathOf(path, save, rank, checksums.Length)), checksum)
            ),
        ];
        var manifest = new StepperSnapshot<T>(stepper, options.IncludeParameters, files).Manifest;

        // Looks at every shard: ranks on other machines must have written to this file system.
        _ = new ShardSet(path, manifest, sizeof(T));
        var writer = new CheckpointWriter<T>(CheckpointHeader.Compose(manifest, sizeof(T)), [], options.Progress);
        DurableFile.Write(path, writer.Length, writer.WriteTo);
        ShardFiles.RemoveOthers(path, files.Select(file => file.File));
        return 0;
    }

    /// <summary>All ranks go on, or all delete what they have written and throw.</summary>
    private void AgreeOrDelete(string shard, ulong call, Exception? failed)
    {
        try
        {
            consensus.Agree(Operation.Save, call, failed);
        }
        catch
        {
            _ = Try(() =>
            {
                File.Delete(shard);
                return 0u;
            });
            throw;
        }
    }

    /// <summary>A number of every rank, on every rank.</summary>
    private ReadOnlySpan<ulong> Share(ulong own)
    {
        saveNumbers ??= new(communicator.Size + 1L);
        *saveNumbers.Address = own;
        communicator.AllGather(saveNumbers.Address, sizeof(ulong), saveNumbers.Address + 1);
        return new(saveNumbers.Address + 1, communicator.Size);
    }

    private static ulong RandomNumber() => BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8));

    /// <summary>What a step of a save leads to, or fails with: the other ranks have to be told before it is thrown.</summary>
    private static (uint Result, Exception? Failure) Try(Func<uint> action)
    {
        try
        {
            return (action(), null);
        }
        catch (Exception failure)
        {
            return (0, failure);
        }
    }
}
