namespace NativeRanger.Tests.Checkpoints;

/// <summary>Progress that is reported at once, on the same thread.</summary>
internal sealed class Callback(Action<CheckpointProgress> report) : IProgress<CheckpointProgress>
{
    public void Report(CheckpointProgress value) => report(value);
}
