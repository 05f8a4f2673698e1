namespace NativeRanger.Tests.Checkpoints;

/// <summary>A stream that cannot seek and gives few bytes at a time, as a network does; it may fail at one read.</summary>
internal sealed class OneWayStream(byte[] bytes) : Stream
{
    /// <summary>What it fails with.</summary>
    public static readonly IOException Failure = new("The connection is lost.");

    private int position;
    private int reads;

    /// <summary>How many reads succeed.</summary>
    public int SoundReads { get; init; } = int.MaxValue;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        if (reads++ == SoundReads)
        {
            throw Failure;
        }

        var count = Math.Min(Math.Min(buffer.Length, 7), bytes.Length - position);
        bytes.AsSpan(position, count).CopyTo(buffer);
        position += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Flush() { }
}
