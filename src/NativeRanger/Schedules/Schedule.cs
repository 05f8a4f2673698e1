namespace NativeRanger;

/// <summary>A pure function of the completed steps, from 0: a learning rate, or a factor on one.</summary>
/// <param name="step">The completed steps.</param>
public delegate double Schedule(long step);
