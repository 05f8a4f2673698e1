namespace NativeRanger.Mpi;

/// <summary>The messages that gather the parameters of a bucket, and the room for what arrives.</summary>
internal sealed class Gathering<T>(MessageBatch batch, AlignedMemory<T> gathered)
    where T : unmanaged
{
    public MessageBatch Batch { get; } = batch;

    public AlignedMemory<T> Gathered { get; } = gathered;

    /// <summary>The bucket that is under way, or -1.</summary>
    public int Bucket { get; set; } = -1;
}
