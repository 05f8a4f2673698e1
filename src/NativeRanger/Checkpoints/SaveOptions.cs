namespace NativeRanger;

/// <summary>How a stepper is saved.</summary>
public sealed record SaveOptions
{
    /// <summary>
    /// Whether the values of the parameters are in the checkpoint; they are by default. If not, their checksums are, and
    /// resuming with other values is refused.
    /// </summary>
    public bool IncludeParameters { get; init; } = true;

    /// <summary>
    /// Is told how far the save is, after every few megabytes. It may throw, which abandons the save; it may not use the stepper.
    /// </summary>
    public IProgress<CheckpointProgress>? Progress { get; init; }
}

/// <summary>How a run is resumed.</summary>
public sealed record ResumeOptions
{
    /// <summary>
    /// Whether options of the recipe and of its groups may differ from those of the checkpoint; they may not by default. If
    /// they may, those that are given hold from now on, and options that the run had changed between steps are forgotten.
    /// What decides which state there is (the kind of optimizer, AMSGrad …) may never differ.
    /// </summary>
    public bool AllowChangedOptions { get; init; }

    /// <summary>Is told how much has been read, after every few megabytes. It may throw, which leaves everything as it was.</summary>
    public IProgress<CheckpointProgress>? Progress { get; init; }
}

/// <summary>How far a save or a resume is.</summary>
/// <param name="Bytes">The bytes that are done.</param>
/// <param name="TotalBytes">The bytes of the whole checkpoint.</param>
public readonly record struct CheckpointProgress(long Bytes, long TotalBytes);
